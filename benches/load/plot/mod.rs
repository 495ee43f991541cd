//! Line plots as SVG, without a library: panels one above the other that share their horizontal axis. The colours follow the
//! reader's light or dark scheme, and each line has its own dashes, too.

mod axis;

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use axis::Axis;
pub(crate) use axis::{Scale, number};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
/// Title and legend of a panel.
const ABOVE: f64 = 44.0;
const HEIGHT: f64 = 150.0;
/// The numbers under a panel.
const BELOW: f64 = 24.0;
/// The name of the horizontal axis.
const FOOT: f64 = 26.0;

/// Beyond this number of points they are not marked one by one.
const MARKED: usize = 24;

/// The colours of the lines on light and on dark ground, and their dashes.
const LINES: [(&str, &str, &str); 4] = [
    ("#0969da", "#58a6ff", "none"),
    ("#bc4c00", "#f0883e", "7 3"),
    ("#1a7f37", "#3fb950", "2 3"),
    ("#8250df", "#bc8cff", "9 3 2 3"),
];

/// Some panels over one horizontal axis.
pub(crate) struct Figure {
    /// What a reader who does not see it is told.
    pub(crate) title: String,
    /// With its unit.
    pub(crate) x: String,
    pub(crate) panels: Vec<Panel>,
}

pub(crate) struct Panel {
    /// With the unit of the vertical axis.
    pub(crate) title: String,
    pub(crate) scale: Scale,
    /// At most four.
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: String,
    /// In the order of x. Values that are not finite are left out.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    pub(crate) fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        Self { name: name.to_owned(), points: points.into_iter().filter(finite).collect() }
    }
}

impl Panel {
    pub(crate) fn new(title: &str, scale: Scale, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), scale, lines }
    }
}

impl Figure {
    /// The SVG document.
    pub(crate) fn svg(&self) -> Result<String> {
        let all = || self.panels.iter().flat_map(|panel| &panel.lines);
        ensure!(all().any(|line| !line.points.is_empty()), "{}: nothing to plot", self.title);
        ensure!(self.panels.iter().all(|panel| panel.lines.len() <= LINES.len()), "too many lines");
        let xs = all().flat_map(|line| line.points.iter().map(|(x, _)| *x));
        let x = Axis::new(Scale::Linear, xs, (LEFT, WIDTH - RIGHT));
        let height = (ABOVE + HEIGHT + BELOW) * self.panels.len() as f64 + FOOT;
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">
<title id="title">{}</title>
<style>
{}</style>
<rect class="ground" width="{WIDTH}" height="{height}"/>
"#,
            escaped(&self.title),
            style()
        );
        for (index, panel) in self.panels.iter().enumerate() {
            panel.draw(&mut svg, &x, (ABOVE + HEIGHT + BELOW) * index as f64)?;
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let foot = height - 8.0;
        writeln!(
            svg,
            r#"<text x="{middle}" y="{foot}" text-anchor="middle">{}</text>"#,
            escaped(&self.x)
        )?;
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

impl Panel {
    fn draw(&self, svg: &mut String, x: &Axis, top: f64) -> Result<()> {
        let (upper, lower) = (top + ABOVE, top + ABOVE + HEIGHT);
        let ys = self.lines.iter().flat_map(|line| line.points.iter().map(|(_, y)| *y));
        let y = Axis::new(self.scale, ys, (lower, upper));
        let (title, right) = (escaped(&self.title), WIDTH - RIGHT);
        writeln!(svg, r#"<text class="name" x="{LEFT}" y="{:.0}">{title}</text>"#, top + 18.0)?;
        for (at, text) in y.ticks() {
            writeln!(
                svg,
                r#"<path class="grid" d="M{LEFT} {at:.1}H{right}"/><text x="{:.0}" y="{:.1}" text-anchor="end">{text}</text>"#,
                LEFT - 8.0,
                at + 4.0
            )?;
        }
        for (at, text) in x.ticks() {
            writeln!(
                svg,
                r#"<path class="axis" d="M{at:.1} {lower}v5"/><text x="{at:.1}" y="{:.0}" text-anchor="middle">{text}</text>"#,
                lower + 19.0
            )?;
        }
        writeln!(svg, r#"<path class="axis" d="M{LEFT} {upper}V{lower}H{right}"/>"#)?;
        self.legend(svg, top + 35.0)?;
        for (index, line) in self.lines.iter().enumerate() {
            let points: Vec<(f64, f64)> =
                line.points.iter().map(|(px, py)| (x.place(*px), y.place(*py))).collect();
            let mut path = String::new();
            for (number, (px, py)) in points.iter().enumerate() {
                write!(path, "{}{px:.1} {py:.1}", if number == 0 { 'M' } else { 'L' })?;
            }
            writeln!(svg, r#"<path class="line l{index}" d="{path}"/>"#)?;
            if points.len() <= MARKED {
                for (px, py) in points {
                    writeln!(svg, r#"<circle class="p{index}" cx="{px:.1}" cy="{py:.1}" r="3"/>"#)?;
                }
            }
        }
        Ok(())
    }

    /// The names of the lines, in a row; a panel of one line is named by its title.
    fn legend(&self, svg: &mut String, y: f64) -> Result<()> {
        if self.lines.len() < 2 {
            return Ok(());
        }
        let mut x = LEFT;
        for (index, line) in self.lines.iter().enumerate() {
            let name = escaped(&line.name);
            writeln!(
                svg,
                r#"<path class="line l{index}" d="M{x:.0} {:.0}h22"/><text x="{:.0}" y="{y:.0}">{name}</text>"#,
                y - 4.0,
                x + 28.0
            )?;
            // About the width of a letter of 12 pixels.
            x += 28.0 + 7.0 * line.name.chars().count() as f64 + 18.0;
        }
        Ok(())
    }
}

fn style() -> String {
    let mut light = String::from(
        ".ground{fill:#ffffff}\n\
         text{font:12px system-ui,sans-serif;fill:#24292f}\n\
         .name{font-weight:600;font-size:13px}\n\
         .grid{stroke:#d8dee4;fill:none}\n\
         .axis{stroke:#57606a;fill:none}\n\
         .line{fill:none;stroke-width:1.8}\n",
    );
    let mut dark = String::from(
        ".ground{fill:#0d1117}\ntext{fill:#e6edf3}\n.grid{stroke:#30363d}\n.axis{stroke:#8b949e}\n",
    );
    for (index, (on_light, on_dark, dashes)) in LINES.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(light, ".l{index}{{stroke:{on_light};stroke-dasharray:{dashes}}}");
        let _ = writeln!(light, ".p{index}{{fill:{on_light}}}");
        let _ = writeln!(dark, ".l{index}{{stroke:{on_dark}}}\n.p{index}{{fill:{on_dark}}}");
    }
    format!("{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Fails when a plot is not what its numbers say; benches have no test harness of their own.
pub(crate) fn check() -> Result<()> {
    axis::check();
    let lines = vec![
        Line::new("P50 & less", [(0.0, 1.0), (10.0, 100.0)]),
        Line::new("lost", [(5.0, f64::NAN)]),
    ];
    let panel = Panel::new("latency, ms", Scale::Log, lines);
    let figure = Figure { title: "a < b".into(), x: "orders".into(), panels: vec![panel] };
    let svg = figure.svg()?;
    for part in [
        "a &lt; b",
        "P50 &amp; less",
        "prefers-color-scheme:dark",
        // From the lower left corner to the upper right one.
        "M76.0 194.0L740.0 44.0",
    ] {
        ensure!(svg.contains(part), "the plot lacks {part}: {svg}");
    }
    ensure!(!svg.contains("NaN"), "a value that is not finite is drawn: {svg}");
    Ok(())
}
