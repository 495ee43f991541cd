//! A headless Chromium, driven through `chromedriver` (the W3C `WebDriver` protocol over HTTP).
//!
//! A browser sees a page as a person's does, and reports what must never happen: a violation of the page's policy, an error
//! that no code caught. `Drop` fails the test for those.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Looks at a page that do not show what is wanted: with the pauses between them longer than any step takes that succeeds,
/// also on a busy machine.
const LOOKS: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// The names of the program that drives the browser, and of the browser.
const DRIVERS: [&str; 2] = ["chromedriver", "/usr/bin/chromedriver"];
const BROWSERS: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Runs before every script of a page: keeps what must never happen.
const WATCH: &str = "
    window.faults = [];
    addEventListener('securitypolicyviolation', (event) =>
        faults.push(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
    addEventListener('error', (event) => faults.push(`error: ${event.message} at ${event.filename}:${event.lineno}`));
    addEventListener('unhandledrejection', (event) => faults.push(`rejection: ${event.reason}`));
";

/// A browser with one window. There is one at a time in a test binary, since each takes some hundred megabytes.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    client: ureq::Agent,
    _alone: MutexGuard<'static, ()>,
}

/// Keys of the `WebDriver` protocol that are no characters.
pub(crate) mod key {
    pub(crate) const ENTER: &str = "\u{E007}";
    pub(crate) const ESCAPE: &str = "\u{E00C}";
    pub(crate) const TAB: &str = "\u{E004}";
}

/// Starts chromedriver on a free port, and says which.
///
/// It looks for a port that is free for IPv4 and then needs the same one for IPv6, so it ends now and then because something took it in
/// between: it is started again then.
fn start_driver() -> (Child, u16) {
    const TRIES: usize = 5;
    let mut told = String::new();
    for _ in 0..TRIES {
        let start = |name: &&str| {
            let mut command = Command::new(name);
            command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped());
            command.stderr(Stdio::null()).spawn().ok()
        };
        let missing = "chromedriver is missing: install chromium and chromium-driver (scripts/install-packages does)";
        let mut driver = DRIVERS.iter().find_map(start).expect(missing);
        let output = BufReader::new(driver.stdout.take().expect("its output"));
        for line in output.lines().map_while(Result::ok) {
            let port = line.split_once("started successfully on port ");
            if let Some(port) = port.and_then(|(_, port)| port.trim_end_matches('.').parse().ok()) {
                return (driver, port);
            }
            told.push_str(&line);
            told.push('\n');
        }
        driver.wait().expect("the driver's end");
    }
    panic!("chromedriver ended {TRIES} times before it served:\n{told}");
}

impl Browser {
    /// Opens a window of 1280 × 900.
    pub(crate) fn open() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (driver, port) = start_driver();
        let client = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, session, client, _alone: alone };
        let binary = BROWSERS.iter().find(|path| Path::new(path).exists());
        let options = json!({
            "binary": binary.expect("chromium is missing: scripts/install-packages installs it"),
            // Without its sandbox, which does not work for root or in a container. It opens our own page only.
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
        });
        let capabilities =
            json!({ "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } });
        let started = browser.call("POST", "", &json!({ "capabilities": capabilities }));
        let id = started["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser.chrome("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": WATCH }));
        browser.resize(1280, 900);
        // a page that does not load fails its test in time
        browser.call("POST", "/timeouts", &json!({ "pageLoad": 30_000 }));
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The value of an answer of the driver, or its error.
    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.session);
        let mut answer = match method {
            "GET" => self.client.get(&url).call(),
            "DELETE" => self.client.delete(&url).call(),
            _ => self.client.post(&url).content_type("application/json").send(body.to_string()),
        }
        .expect("chromedriver answers");
        let text = answer.body_mut().read_to_string().expect("a text");
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        let value = value["value"].take();
        if answer.status().is_success() { Ok(value) } else { Err(value) }
    }

    /// A command of Chromium's own protocol.
    pub(crate) fn chrome(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.call("POST", "/goog/cdp/execute", &body)
    }

    /// Sets the size of the window in CSS pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chrome("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Sets the scheme of colours that the person prefers: light or dark.
    pub(crate) fn prefer(&self, scheme: &str) {
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.chrome("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }));
    }

    /// Opens an address, and waits until it is loaded.
    pub(crate) fn go(&self, url: &str) {
        self.check();
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// Opens another tab, and shows it. Gives its name.
    pub(crate) fn open_tab(&self) -> String {
        self.new_window("tab")
    }

    /// Opens one more window, which is seen beside the others, and goes on in it. Returns its name, which is used like that of
    /// a tab.
    pub(crate) fn open_window(&self) -> String {
        self.new_window("window")
    }

    fn new_window(&self, kind: &str) -> String {
        let tab = self.call("POST", "/window/new", &json!({ "type": kind }));
        let tab = tab["handle"].as_str().expect("a name").to_owned();
        self.show_tab(&tab);
        tab
    }

    /// The name of the tab that is shown.
    pub(crate) fn tab(&self) -> String {
        self.call("GET", "/window", &Value::Null).as_str().expect("a name").to_owned()
    }

    /// Shows a tab, as a person does who clicks it: the one before is hidden.
    pub(crate) fn show_tab(&self, tab: &str) {
        self.call("POST", "/window", &json!({ "handle": tab }));
        self.chrome("Page.bringToFront", &json!({}));
    }

    /// Closes the tab that is shown. Another one is to be shown next.
    pub(crate) fn close_tab(&self) {
        self.check();
        self.call("DELETE", "/window", &Value::Null);
    }

    /// Loads the page again.
    pub(crate) fn reload(&self) {
        self.check();
        self.call("POST", "/refresh", &json!({}));
    }

    pub(crate) fn url(&self) -> String {
        self.call("GET", "/url", &Value::Null).as_str().expect("an address").to_owned()
    }

    /// Runs the body of a function in the page; gives what it returns, also of a promise.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&self, expression: &str) {
        let script = json!({ "script": format!("return Boolean({expression})"), "args": [] });
        for _ in 0..LOOKS {
            // an error while one page gives way to another one
            if self.try_call("POST", "/execute/sync", &script) == Ok(Value::Bool(true)) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("not in time: {expression}\n{}\n{}", self.url(), self.text("body"));
    }

    /// Waits until an element shows a text.
    pub(crate) fn until_shown(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll({selector})].some((one) => one.innerText.includes({text}))"
        ));
    }

    /// The text that an element shows; empty when it is not there.
    pub(crate) fn text(&self, selector: &str) -> String {
        let found = self
            .run(&format!("return document.querySelector({})?.innerText ?? ''", json!(selector)));
        found.as_str().expect("a text").to_owned()
    }

    /// The texts that all such elements show.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let selector = json!(selector);
        let script = format!(
            "return [...document.querySelectorAll({selector})].map((one) => one.innerText)"
        );
        serde_json::from_value(self.run(&script)).expect("texts")
    }

    pub(crate) fn count(&self, selector: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(selector));
        self.run(&script).as_u64().expect("a count")
    }

    /// Waits for an element, and clicks it as a person would: it must be visible and not covered.
    pub(crate) fn click(&self, selector: &str) {
        self.on_element("css selector", selector, "click", &json!({}));
    }

    /// The same for the last button with that text: a dialog comes behind the view.
    pub(crate) fn press_button(&self, text: &str) {
        let path = format!("(//button[normalize-space(.)=\"{text}\"])[last()]");
        self.on_element("xpath", &path, "click", &json!({}));
    }

    /// Types into a field, behind what is in it.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.on_element("css selector", selector, "value", &json!({ "text": text }));
    }

    /// Empties a field.
    pub(crate) fn clear(&self, selector: &str) {
        self.on_element("css selector", selector, "clear", &json!({}));
    }

    /// An element may be replaced between the look-up and the act; then it is looked up again.
    fn on_element(&self, using: &str, what: &str, act: &str, body: &Value) {
        let wanted = json!({ "using": using, "value": what });
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            let done = self.try_call("POST", "/element", &wanted).and_then(|element| {
                let id = element.as_object().and_then(|members| members.values().next());
                let id = id.and_then(Value::as_str).expect("an element").to_owned();
                self.try_call("POST", &format!("/element/{id}/{act}"), body)
            });
            match done {
                Ok(_) => return,
                Err(error) => last = error,
            }
            std::thread::sleep(PAUSE);
        }
        panic!("{act} {what}: {last}\n{}", self.text("body"));
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let acts = |key: &&str| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        };
        let acts: Vec<_> = keys.iter().flat_map(acts).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": acts });
        self.call("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Writes what the window shows as a PNG file.
    pub(crate) fn picture(&self, path: &Path) {
        let picture = self.chrome("Page.captureScreenshot", &json!({ "format": "png" }));
        let bytes = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("Base64");
        std::fs::write(path, bytes).expect("the file is written");
    }

    /// Whether the page is wider than the window, or something in it ends beyond the window's edge.
    pub(crate) fn overflow(&self) -> Vec<String> {
        let script = "
            const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
            const hides = (one) => one && (getComputedStyle(one).overflowX !== 'visible' || hides(one.parentElement));
            const beyond = [...document.querySelectorAll('body *')].filter((one) => {
                const box = one.getBoundingClientRect();
                return box.width > 1 && box.right > innerWidth + 0.5 && !hides(one.parentElement);
            });
            return [...wide, ...beyond.map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 60)}`)];
        ";
        serde_json::from_value(self.run(script)).expect("texts")
    }

    /// Fails when the page broke its policy, or an error was not caught.
    pub(crate) fn check(&self) {
        let faults = self.run("return window.faults ?? []");
        assert_eq!(faults, json!([]), "{}", self.url());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let faults = (!std::thread::panicking()).then(|| self.run("return window.faults ?? []"));
        // The driver ends the browser with the session.
        drop(self.try_call("DELETE", "", &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
        if let Some(faults) = faults {
            assert_eq!(faults, json!([]), "the page must not do that");
        }
    }
}
