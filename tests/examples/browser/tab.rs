//! A page as a person uses it: what is on it is found by role and name, clicked with a mouse or reached with the keyboard.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::devtools::{Browser, PATIENCE, Refusal};

const KIT: &str = include_str!("kit.js");

/// Somebody's window: cookies and all are its own.
pub struct Tab<'a> {
    browser: &'a mut Browser,
    session: String,
    context: String,
    site: String,
    /// How often a page was loaded.
    loads: u64,
    /// What was asked for, by the number that the browser gave it.
    requests: BTreeMap<String, String>,
    /// What a person would find in the browser's console.
    complaints: Vec<String>,
}

/// How wide the window is, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(pub u32);

/// What the system's colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A key that means something by itself.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    Tab,
    Enter,
    ArrowDown,
}

impl Key {
    /// Its name, its number, and the text that it writes.
    fn parts(self) -> (&'static str, u32, &'static str) {
        match self {
            Self::Tab => ("Tab", 9, ""),
            Self::Enter => ("Enter", 13, "\r"),
            Self::ArrowDown => ("ArrowDown", 40, ""),
        }
    }
}

impl<'a> Tab<'a> {
    /// A new window of somebody who was never here.
    pub fn open(browser: &'a mut Browser, site: &str) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the browser names nothing");
        let context = text(&browser.ask(None, "Target.createBrowserContext", json!({}))?["browserContextId"])?;
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = browser.ask(None, "Target.createTarget", target)?["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = text(&browser.ask(None, "Target.attachToTarget", attach)?["sessionId"])?;
        let mut tab = Self {
            browser,
            session,
            context,
            site: site.to_owned(),
            loads: 0,
            requests: BTreeMap::new(),
            complaints: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.ask(&format!("{domain}.enable"), json!({}))?;
        }
        tab.look_through(Width(1440), 900, Theme::Light)?;
        Ok(tab)
    }

    /// Closes the window; an error says what the browser complained of.
    pub fn close(mut self) -> Result<()> {
        self.ensure_calm()?;
        let context = json!({ "browserContextId": self.context });
        self.browser.ask(None, "Target.disposeBrowserContext", context)?;
        Ok(())
    }

    /// A window of this size, on a system with these colours. Nothing moves.
    pub fn look_through(&mut self, width: Width, height: u32, theme: Theme) -> Result<()> {
        let size = json!({ "width": width.0, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size)?;
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme.name() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }))?;
        Ok(())
    }

    /// Whether pages may run scripts.
    pub fn scripts(&mut self, are_run: bool) -> Result<()> {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": !are_run }))?;
        Ok(())
    }

    /// A page by its path.
    pub fn visit(&mut self, path: &str) -> Result<()> {
        let url = format!("{}{path}", self.site);
        self.loading(|tab| {
            let gone = tab.ask("Page.navigate", json!({ "url": url }))?;
            match gone["errorText"].as_str() {
                Some(error) => bail!("{path}: {error}"),
                None => Ok(()),
            }
        })
    }

    /// Clicks what leads to another page, and waits for that.
    pub fn go(&mut self, role: &str, name: &str) -> Result<()> {
        self.loading(|tab| tab.click(role, name))
    }

    /// Does something that loads a page, and waits until it is there.
    pub fn loading(&mut self, act: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.catch_up();
        let before = self.loads;
        act(self)?;
        self.wait_for_load(before, Instant::now() + PATIENCE)
    }

    fn wait_for_load(&mut self, before: u64, deadline: Instant) -> Result<()> {
        self.catch_up();
        while self.loads == before {
            let event = self.browser.event(deadline).context("no page was loaded")?;
            self.note(&event);
        }
        Ok(())
    }

    /// Clicks in the middle of something, by its role and name.
    pub fn click(&mut self, role: &str, name: &str) -> Result<()> {
        self.click_at(&format!("one({}, {})", json!(role), json!(name)))
    }

    /// Clicks in the middle of the element that an expression finds.
    pub fn click_at(&mut self, element: &str) -> Result<()> {
        let at = self.read(&format!("point({element})"))?;
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({
                "type": kind, "x": at["x"], "y": at["y"], "button": button, "buttons": buttons, "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Writes into a field, instead of what is there.
    pub fn fill(&mut self, name: &str, text: &str) -> Result<()> {
        self.click("textbox", name)?;
        self.read(&format!("one('textbox', {}).select()", json!(name)))?;
        self.write(text)
    }

    /// Chooses one of the values of a field.
    pub fn choose(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (json!(name), json!(value));
        let chosen = self.read(&format!(
            "(() => {{ const field = one('combobox', {name}); field.value = {value}; \
             field.dispatchEvent(new Event('change', {{ bubbles: true }})); return field.value; }})()"
        ))?;
        ensure!(chosen == value, "{name} offers no {value}");
        Ok(())
    }

    /// Writes where the cursor is.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.ask("Input.insertText", json!({ "text": text }))?;
        Ok(())
    }

    /// Presses a key.
    pub fn press(&mut self, key: Key) -> Result<()> {
        let (name, number, text) = key.parts();
        let event =
            |kind| json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": number, "text": text });
        self.ask("Input.dispatchKeyEvent", event(if text.is_empty() { "rawKeyDown" } else { "keyDown" }))?;
        let up = json!({ "type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": number });
        self.ask("Input.dispatchKeyEvent", up)?;
        Ok(())
    }

    /// Goes with the tab key to what has this role and name, and sees at each stop where the cursor is.
    pub fn tab_to(&mut self, role: &str, name: &str) -> Result<()> {
        let mut stops = Vec::new();
        for _ in 0..80 {
            self.press(Key::Tab)?;
            let stop = self.read(&format!(
                "(() => {{ const at = document.activeElement; const style = getComputedStyle(at); return {{ name: nameOf(at), \
                 there: at.matches(ROLES[{}]) && nameOf(at).includes({}), \
                 shown: at === document.body || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) }}; }})()",
                json!(role),
                json!(name)
            ))?;
            ensure!(
                stop["shown"] == true,
                "who has the keyboard only does not see that the cursor is on {}",
                stop["name"]
            );
            if stop["there"] == true {
                return Ok(());
            }
            stops.push(stop["name"].as_str().unwrap_or_default().to_owned());
        }
        bail!("the tab key leads to no {role} `{name}`, but to: {}", stops.join(" | "))
    }

    /// The value of an expression, where `kit.js` is known.
    pub fn read(&mut self, expression: &str) -> Result<Value> {
        self.evaluate(&format!("(() => {{ {KIT}; return ({expression}); }})()"), false)
    }

    /// The value of the last expression of a script, where `kit.js` is known; of a promise, what it promises.
    pub fn run(&mut self, script: &str) -> Result<Value> {
        self.evaluate(&format!("(async () => {{ {KIT}; {script} }})()"), true)
    }

    fn evaluate(&mut self, expression: &str, awaits: bool) -> Result<Value> {
        let question = json!({ "expression": expression, "returnByValue": true, "awaitPromise": awaits });
        let mut answer = self.ask("Runtime.evaluate", question)?;
        if let Some(thrown) = answer["exceptionDetails"]["exception"]["description"].as_str() {
            let first = thrown.lines().next().unwrap_or_default();
            return Err(anyhow!("{first}"));
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until a condition holds: on this page, as it changes, or on one that comes after it.
    pub fn until(&mut self, condition: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let script = format!(
            "return await new Promise((done) => {{
                const holds = () => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }};
                if (holds()) return done(true);
                const watch = new MutationObserver(() => {{ if (holds()) {{ watch.disconnect(); done(true); }} }});
                watch.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
                setTimeout(() => {{ watch.disconnect(); done(false); }}, {});
            }});",
            PATIENCE.as_millis() / 2
        );
        while Instant::now() < deadline {
            self.catch_up();
            let before = self.loads;
            match self.run(&script) {
                Ok(Value::Bool(true)) => return Ok(()),
                Ok(_) => break,
                // Another page came in between: it is there that the condition may hold.
                Err(error) if error.is::<Refusal>() => self.wait_for_load(before, deadline)?,
                Err(error) => return Err(error),
            }
        }
        let (at, text) = (self.path()?, self.text()?);
        bail!("it never came to `{condition}` on {at}: {}", text.chars().take(1500).collect::<String>())
    }

    /// The path and the query of the page.
    pub fn path(&mut self) -> Result<String> {
        Ok(self.read("location.pathname + location.search")?.as_str().unwrap_or_default().to_owned())
    }

    /// What a person reads in the page's main part.
    pub fn text(&mut self) -> Result<String> {
        Ok(self.read("main()")?.as_str().unwrap_or_default().to_owned())
    }

    /// Expects words on the page.
    pub fn reads(&mut self, words: &[&str]) -> Result<()> {
        let text = self.text()?;
        for word in words {
            ensure!(text.contains(word), "`{word}` is not on {}: {text}", self.path()?);
        }
        Ok(())
    }

    /// How many of a role have this in their name.
    pub fn count(&mut self, role: &str, name: &str) -> Result<u64> {
        let number = self.read(&format!("all({}, {}).length", json!(role), json!(name)))?;
        number.as_u64().context("no number")
    }

    /// A picture of the whole page, as high as it is.
    pub fn picture(&mut self) -> Result<Vec<u8>> {
        let shot = json!({ "format": "png", "captureBeyondViewport": true });
        let data = self.ask("Page.captureScreenshot", shot)?["data"].take();
        Ok(BASE64_STANDARD.decode(data.as_str().context("no picture")?)?)
    }

    /// An error when the browser complained of anything: a script that threw, a request that failed, what the content security policy
    /// forbids.
    pub fn ensure_calm(&mut self) -> Result<()> {
        self.catch_up();
        let complaints = std::mem::take(&mut self.complaints);
        ensure!(complaints.is_empty(), "the browser complains: {}", complaints.join("; "));
        Ok(())
    }

    /// Expects that the server refused with this status, and that the browser complained of nothing else.
    pub fn ensure_refused(&mut self, status: u16) -> Result<()> {
        self.catch_up();
        let number = status.to_string();
        let (expected, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.complaints).into_iter().partition(|complaint| complaint.contains(&number));
        ensure!(!expected.is_empty(), "the server did not answer {status}");
        ensure!(others.is_empty(), "the browser complains: {}", others.join("; "));
        Ok(())
    }

    pub fn ask(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.browser.ask(Some(&self.session), method, parameters)
    }

    fn catch_up(&mut self) {
        for event in self.browser.happened() {
            self.note(&event);
        }
    }

    fn note(&mut self, event: &Value) {
        if event["sessionId"] != self.session {
            return;
        }
        let (method, told) = (event["method"].as_str().unwrap_or_default(), &event["params"]);
        let request = told["requestId"].as_str().unwrap_or_default();
        let of = |requests: &BTreeMap<String, String>| requests.get(request).cloned().unwrap_or_default();
        let complaint = match method {
            "Page.loadEventFired" => {
                self.loads += 1;
                None
            }
            "Network.requestWillBeSent" => {
                let url = told["request"]["url"].as_str().unwrap_or_default();
                self.requests.insert(request.to_owned(), url.to_owned());
                let is_ours = url.starts_with(&self.site) || url.starts_with("data:");
                (!is_ours).then(|| format!("`{url}` is somebody else's"))
            }
            "Network.responseReceived" => {
                let status = told["response"]["status"].as_u64().unwrap_or_default();
                (status >= 400).then(|| format!("`{}` answered {status}", of(&self.requests)))
            }
            // A page that is left lets go of what it was reading.
            "Network.loadingFailed" if told["canceled"] != true => {
                Some(format!("`{}` failed: {}", of(&self.requests), told["errorText"]))
            }
            "Runtime.exceptionThrown" => Some(format!("a script threw: {}", told["exceptionDetails"])),
            "Runtime.consoleAPICalled" if told["type"] == "error" || told["type"] == "warning" => {
                Some(format!("the console has: {}", told["args"]))
            }
            "Log.entryAdded" if told["entry"]["level"] == "error" || told["entry"]["level"] == "warning" => {
                Some(format!("the log has: {} {}", told["entry"]["text"], told["entry"]["url"]))
            }
            "Page.javascriptDialogOpening" => Some(format!("a dialog: {}", told["message"])),
            _ => None,
        };
        self.complaints.extend(complaint);
    }
}
