//! USB instruments as the kernel shows them: a tree that looks like its own, and a
//! pseudo-terminal in the place of `/dev/usbtmcN`. The kernel's driver itself is not
//! exercised here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hil_client::usbtmc::{Device, Places, UsbId, devices, open_in};
use hil_client::{Address, Link, LinkSettings};
use hil_timebase::Runtime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_serial::{SerialPort as _, SerialStream};

/// A tree of the kernel's, and files of devices.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hil-usbtmc-{name}-{}", std::process::id()));
        for folder in ["class", "dev"] {
            fs::create_dir_all(path.join(folder)).expect("a folder");
        }
        Self(path)
    }

    fn places(&self) -> Places {
        Places { class: self.0.join("class"), files: self.0.join("dev") }
    }

    /// As in /sys: the class's entry leads to an interface, above which the device is.
    fn add(&self, name: &str, about: &[(&str, &str)]) {
        let device = self.0.join("devices/usb1").join(name);
        let interface = device.join("1-1:1.0");
        fs::create_dir_all(&interface).expect("a folder");
        about.iter().for_each(|(file, text)| fs::write(device.join(file), format!("{text}\n")).expect("written"));
        let class = self.0.join("class").join(name);
        fs::create_dir_all(&class).expect("a folder");
        std::os::unix::fs::symlink(interface, class.join("device")).expect("a link");
    }

    fn file(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.0.join("dev").join(name)).expect("a link");
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RIGOL: [(&str, &str); 5] =
    [("idVendor", "1ab1"), ("idProduct", "0e11"), ("serial", "DL3A214800"), ("manufacturer", "RIGOL"), ("product", "DL3000")];

fn id(text: &str) -> UsbId {
    match text.parse() {
        Ok(Address::Usb(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn devices_are_found_by_what_they_say() {
    let tree = Tree::new("find");
    tree.add("usbtmc1", &RIGOL);
    // Without a serial number there is no address; a keyboard is no instrument.
    tree.add("usbtmc2", &RIGOL[..2]);
    tree.add("hiddev0", &RIGOL);
    let found = devices(&tree.places()).expect("readable");
    let id = id("USB0::0x1AB1::0x0E11::DL3A214800::INSTR");
    assert_eq!(found, [Device { id: id.clone(), file: tree.0.join("dev/usbtmc1"), says: "RIGOL DL3000".into() }]);
    let other = UsbId { serial: "DL3A214801".into(), ..id.clone() };
    let error = open_in(&tree.places(), &other).expect_err("not there").to_string();
    assert_eq!(error, "no such USB instrument; there are `USB::0x1AB1::0x0E11::DL3A214800::INSTR`");
    let none = Places { class: Path::new("/nowhere").into(), ..tree.places() };
    assert_eq!(devices(&none).expect("no driver"), []);
    assert_eq!(open_in(&none, &id).expect_err("none").to_string(), "no such USB instrument; there is none");
}

#[test]
fn what_is_asked_is_answered_until_it_is_unplugged() {
    let tree = Tree::new("talk");
    let runtime = Runtime::real_time().expect("a runtime");
    let clock = runtime.clock();
    let talked = runtime.block_on(async {
        let (mut ours, theirs) = SerialStream::pair().expect("a pseudo-terminal");
        tree.add("usbtmc0", &RIGOL);
        tree.file("usbtmc0", &theirs.name().expect("a name"));
        let stream = open_in(&tree.places(), &id("USB::0x1AB1::0x0E11::DL3A214800::INSTR")).expect("opens");
        let settings = LinkSettings { reply_within: Duration::from_millis(300), ..LinkSettings::default() };
        let link = Link::spawn("load", stream, settings, clock.clone(), None);
        for volts in ["12.5", "12.6"] {
            let device = async {
                let mut said = [0; 11];
                ours.read_exact(&mut said).await.expect("a question");
                assert_eq!(&said, b"MEAS:VOLT?\n");
                ours.write_all(format!("{volts}\n").as_bytes()).await.expect("taken");
            };
            let (answer, ()) = tokio::join!(link.ask("MEAS:VOLT?"), device);
            assert_eq!(answer.as_deref(), Ok(volts));
            clock.sleep(Duration::from_millis(50)).await;
        }
        // Pulled out during a read.
        let unplug = async {
            clock.sleep(Duration::from_millis(50)).await;
            drop((ours, theirs));
        };
        let (answer, ()) = tokio::join!(link.ask("MEAS:VOLT?"), unplug);
        let error = answer.expect_err("gone").to_string();
        assert!(error.starts_with("instrument `load`: link lost: "), "{error}");
    });
    talked.expect("no halt");
}
