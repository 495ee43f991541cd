//! A telephone, the dark, the pictures of the README.

use super::{VIEWS, at, browse, leave, press};
use crate::browser::Browser;
use crate::processor::free_port;
use crate::shop::Shop;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Views with a button that opens a dialog.
const DIALOGS: [(&str, &str); 4] = [
    ("#/parked/p-1", "Replay…"),
    ("#/parked/p-1", "Dismiss…"),
    ("#/orders/o-1", "Refund…"),
    ("#/", "Pause the intake…"),
];

/// Waits until a view shows its data.
fn settled(browser: &Browser) {
    browser
        .until("document.querySelector('main').matches(':has(.rows, .facts, .prose, .primary, .items, .said)')");
    browser.until("!document.body.innerText.includes('Reading…')");
}

#[test]
fn nothing_is_wider_than_a_telephone() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "");
    for width in [360, 390, 768, 1024] {
        browser.resize(width, 800);
        for view in VIEWS {
            browser.go(&at(&shop, view));
            settled(&browser);
            assert_eq!(browser.overflow(), Vec::<String>::new(), "{view} at {width}");
        }
    }
    browser.resize(360, 740);
    for (view, act) in DIALOGS {
        browser.go(&at(&shop, view));
        press(&browser, act);
        browser.until_shown("dialog[open]", "Your name");
        assert_eq!(browser.overflow(), Vec::<String>::new(), "{act}");
        leave(&browser);
    }
    browser.go(&at(&shop, "#/"));
    browser.press(&["?"]);
    browser.until_shown("dialog[open]", "Search");
    assert_eq!(browser.overflow(), Vec::<String>::new());
}

/// The luminance of two colours, lighter over darker (WCAG 2.1).
const CONTRAST: &str = "
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const light = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((one) => one / 255)
            .map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (one) => {
        const colour = getComputedStyle(one).backgroundColor;
        return colour === 'rgba(0, 0, 0, 0)' ? (one.parentElement ? ground(one.parentElement) : 'white') : colour;
    };
    const weak = [];
    for (const one of document.querySelectorAll('body *')) {
        const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!text || !one.checkVisibility() || one.closest('svg')) continue;
        const [a, b] = [light(getComputedStyle(one).color), light(ground(one))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) weak.push(`${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return weak;
";

#[test]
fn every_text_can_be_read_in_the_light_and_in_the_dark() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "");
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for view in VIEWS {
            browser.go(&at(&shop, view));
            settled(&browser);
            assert_eq!(browser.run(CONTRAST), serde_json::json!([]), "{view}, {scheme}");
        }
        for (view, act) in DIALOGS {
            browser.go(&at(&shop, view));
            press(&browser, act);
            browser.until_shown("dialog[open]", "Your name");
            assert_eq!(browser.run(CONTRAST), serde_json::json!([]), "{act}, {scheme}");
            leave(&browser);
        }
        grounds.push(browser.run(ground));
    }
    assert_ne!(grounds[0], grounds[1], "the dark is dark");
}

/// `orderly demo`, until it is dropped.
struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    fn start() -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_orderly"))
            .args(["demo", "--orders", "400", "--bind", &address])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let demo = Self { child, address };
        let is_there = said.map_while(Result::ok).any(|line| line.contains("page for operators"));
        assert!(is_there, "the demo ended before it served the page");
        demo
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The most bytes of a picture in the README.
const LARGEST: u64 = 200_000;

/// The demo shows a shop in trouble, and the README shows the demo. `ORDERLY_TEST_WRITE_PICTURES=1` writes the pictures anew.
#[test]
fn the_demo_is_worth_a_look_and_the_readme_has_pictures_of_it() {
    let demo = Demo::start();
    let browser = Browser::open();
    browser.resize(1280, 860);
    browser.go(&format!("http://{}/", demo.address));
    for trouble in ["wait for the decision of a person", "No queue for notifications", "parked"] {
        browser.until_shown("#wrong", trouble);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    let writes = std::env::var_os("ORDERLY_TEST_WRITE_PICTURES").is_some();
    if writes {
        // so long that the plots have something to show
        std::thread::sleep(Duration::from_secs(150));
        std::fs::create_dir_all(&folder).expect("the folder");
        browser.picture(&folder.join("overview.png"));
    }
    browser.go(&format!("http://{}/#/orders/refund-failed-1006", demo.address));
    browser.until_shown(".next", "request it again");
    browser.until_shown(".story", "refund");
    if writes {
        browser.picture(&folder.join("order.png"));
    }
    let readme = include_str!("../../README.md");
    for name in ["overview.png", "order.png"] {
        assert!(readme.contains(&format!("](docs/images/{name})")), "{name}");
        let size = folder.join(name).metadata().expect(name).len();
        assert!(size < LARGEST, "{name} has {size} bytes");
    }
}
