//! A program of `examples/` as a process.

use assert_cmd::cargo::cargo_bin;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A minute, which is longer than any step takes that succeeds.
const PATIENCE: usize = 3000;

/// What an example is written in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    /// With pika.
    Python,
    /// With amqplib.
    Node,
    /// With lapin. It has no receiver of webhooks, so Python's is in its place.
    Rust,
}

impl Language {
    fn command(self, name: &str) -> Command {
        match self {
            Self::Rust if name != "webhook" => Command::new(built().join(name)),
            Self::Python | Self::Rust => {
                let mut command = Command::new(python());
                command.arg(folder("python").join(format!("{name}.py")));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(installed().join(format!("{name}.mjs")));
                command
            }
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Debian's own Python comes first: its packages include pika, and another one that comes first on the path may lack it.
fn python() -> PathBuf {
    let chosen = std::env::var_os("ORDERLY_TEST_PYTHON").map(PathBuf::from);
    let mut all = chosen.into_iter().chain(["/usr/bin/python3", "python3"].map(PathBuf::from));
    let is_fit = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import pika"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    all.find(is_fit).expect("a Python with pika: run scripts/install-packages")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{said}");
}

/// The folder of the programs in Rust. `cargo test --all-targets` builds tests of them, and not the programs.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let programs = cargo_bin("orderly").parent().expect("a folder").join("examples");
        let modified = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let is_built = |name: &str| {
            let source = modified(&folder("rust").join(format!("{name}.rs")));
            modified(&programs.join(name)).is_some_and(|built| Some(built) > source)
        };
        if !["producer", "subscriber"].into_iter().all(is_built) {
            let arguments =
                "build --workspace --locked --quiet --example producer --example subscriber";
            let mut cargo = Command::new(env!("CARGO"));
            let told = std::env::vars_os().map(|(name, _)| name).filter(|name| is_told(name));
            for name in told {
                cargo.env_remove(name);
            }
            run(cargo.args(arguments.split(' ')).current_dir(env!("CARGO_MANIFEST_DIR")));
        }
        programs
    })
}

/// Whether cargo sets this variable for a test, to tell it about its package. The build scripts of ring and others run again when
/// such a variable changes, and with them nearly everything would be compiled again.
fn is_told(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"].iter().any(|begin| name.starts_with(begin))
}

/// The folder of the programs in JavaScript beside their packages, which npm installs once.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = cargo_bin("orderly");
        let target = target.parent().expect("a folder").join("examples-node");
        std::fs::create_dir_all(&target).expect("a folder");
        let lock = std::fs::read(folder("node").join("package-lock.json")).expect("it is there");
        let mark = target.join("installed");
        let is_installed = std::fs::read(&mark).is_ok_and(|there| there == lock);
        for entry in std::fs::read_dir(folder("node")).expect("the examples") {
            let entry = entry.expect("a file");
            if entry.file_type().expect("a type").is_file() {
                std::fs::copy(entry.path(), target.join(entry.file_name())).expect("a copy");
            }
        }
        if !is_installed {
            let arguments = "ci --no-audit --no-fund --loglevel=error";
            run(Command::new("npm").args(arguments.split(' ')).current_dir(&target));
            std::fs::write(mark, lock).expect("it is written");
        }
        target
    })
}

/// A running example, and what it has printed.
pub(crate) struct Program {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Program {
    /// Starts one by its name, with one argument.
    pub(crate) fn start(
        language: Language,
        name: &str,
        argument: &Path,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = language
            .command(name)
            .arg(argument)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{language:?} {name}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in output.lines() {
                let line = line.expect("UTF-8");
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { name: format!("{language:?} {name}"), child, lines, reader: Some(reader) }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many lines it has printed that begin like this.
    pub(crate) fn count(&self, begin: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(begin)).count()
    }

    /// Waits until it has printed this line.
    pub(crate) fn wait(&self, line: &str) {
        for _ in 0..PATIENCE {
            if self.lines().iter().any(|one| one == line) {
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        panic!("{}: no {line:?} in {:#?}", self.name, self.lines());
    }

    /// Waits until it has ended well; what it has printed.
    pub(crate) fn end(mut self) -> Vec<String> {
        let status = self.child.wait().expect("it ends");
        self.reader.take().expect("it reads").join().expect("it has read all");
        assert!(status.success(), "{}: {status}: {:#?}", self.name, self.lines());
        self.lines()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is dead");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
