//! A card in vsmartcard's virtual reader, which these tests play themselves.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use rsp_apdu::Card;
use rsp_card::{Vpcd, VpcdEvent, serve_vpcd};

use crate::toy::{AID, Toy};

/// The reader's side: what it sends, and what it hears after it has closed its direction.
struct Reader(TcpStream);

impl Reader {
    fn send(&mut self, message: &[u8]) {
        self.0.write_all(&(message.len() as u16).to_be_bytes()).unwrap();
        self.0.write_all(message).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.receive()
    }
}

/// A reader at one end and `card` at the other, until `play` is over.
fn with_reader(card: &mut (dyn Card + Send), play: impl FnOnce(&mut Reader)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::scope(|scope| {
        let served = scope.spawn(|| Vpcd::new(address).serve_one(card, &mut |_| ()));
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut reader = Reader(stream);
        play(&mut reader);
        drop(reader);
        served.join().unwrap().unwrap();
    });
}

fn select(aid: &[u8]) -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x0C, aid.len() as u8], aid].concat()
}

#[test]
fn orders_are_obeyed_and_only_the_atr_and_commands_are_answered() {
    let mut toy = Toy::default();
    with_reader(&mut toy, |reader| {
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
        reader.send(&[0x01]);
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
        reader.send(&[0x02]);
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x01], "the ATR of the reset");
        // An order of a later reader, and a message without content.
        reader.send(&[0x7F]);
        reader.send(&[]);
        assert_eq!(reader.ask(&select(&AID)), [0x90, 0x00]);
        assert_eq!(reader.ask(&select(&[0xA0, 0, 0, 0, 2])), [0x6A, 0x82]);
    });
    assert_eq!(toy.power_ons, 2);
}

#[test]
fn answers_reach_the_reader_as_the_card_gave_them() {
    let mut toy = Toy::default();
    with_reader(&mut toy, |reader| {
        reader.send(&[0x01]);
        // No GET RESPONSE and no repetition on the card's side: both are for the terminal.
        assert_eq!(reader.ask(&[0x80, 0xE2, 0x91, 0x00, 0x03, 1, 2, 3]), [0x61, 0x03]);
        assert_eq!(reader.ask(&[0x00, 0xC0, 0x00, 0x00, 0x00]), [0x6C, 0x03]);
        assert_eq!(reader.ask(&[0x00, 0xC0, 0x00, 0x00, 0x03]), [1, 2, 3, 0x90, 0x00]);
    });
}

#[test]
fn asking_whether_the_card_is_there_neither_powers_it_on_again_nor_ends_its_session() {
    let mut toy = Toy::default();
    with_reader(&mut toy, |reader| {
        reader.send(&[0x01]);
        assert_eq!(reader.ask(&[0x00, 0x70, 0x00, 0x00, 0x01]), [0x01, 0x90, 0x00]);
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
        assert_eq!(reader.ask(&[0x00, 0x70, 0x80, 0x01]), [0x90, 0x00], "the channel is still open");
        reader.send(&[0x00]);
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
    });
    assert_eq!(toy.power_ons, 1);
}

#[test]
fn a_reset_of_a_card_without_power_powers_it_on() {
    let mut toy = Toy::default();
    with_reader(&mut toy, |reader| {
        reader.send(&[0x02]);
        assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00], "no reset of what was off");
        assert_eq!(reader.ask(&select(&AID)), [0x90, 0x00]);
    });
    assert_eq!(toy.power_ons, 1);
}

#[test]
fn what_was_volatile_is_gone_after_power_off() {
    let mut toy = Toy::default();
    with_reader(&mut toy, |reader| {
        reader.send(&[0x01]);
        assert_eq!(reader.ask(&[0x00, 0x70, 0x00, 0x00, 0x01]), [0x01, 0x90, 0x00]);
        reader.send(&[0x00]);
        assert_eq!(reader.ask(&[0x00, 0x70, 0x80, 0x01]), [0x6A, 0x81], "no channel is open");
    });
    assert_eq!(toy.power_ons, 2);
}

#[test]
fn comes_back_when_the_reader_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    // The thread ends with the program: the card would be put in for ever.
    std::thread::spawn(move || {
        let mut hear = |event: VpcdEvent<'_>| {
            let _ = tell.send(match event {
                VpcdEvent::Connected => "connected",
                VpcdEvent::Waiting(_) => "waiting",
                VpcdEvent::Disconnected => "disconnected",
            });
        };
        Vpcd::new(address.to_string()).serve(&mut Toy::default(), &mut hear)
    });
    let next = || told.recv_timeout(Duration::from_secs(10)).unwrap();

    // One that has another card already takes the connection, and that is all.
    drop(listener.accept().unwrap());
    let mut reader = Reader(listener.accept().unwrap().0);
    assert!(told.try_recv().is_err());
    assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
    assert_eq!(next(), "connected");
    drop(listener);
    drop(reader);
    assert_eq!(next(), "disconnected");
    assert_eq!(next(), "waiting");

    let listener = TcpListener::bind(address).unwrap();
    let mut reader = Reader(listener.accept().unwrap().0);
    assert_eq!(reader.ask(&[0x04]), [0x3B, 0x00]);
    assert_eq!(next(), "connected");
}

/// Input of its own, output to nowhere.
struct Script<'a>(&'a [u8]);

impl Read for Script<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Script<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_stops_in_the_middle_of_a_message_is_an_error_and_between_two_is_none() {
    assert!(serve_vpcd(&mut Toy::default(), Script(&[0, 1, 4])).is_ok());
    for torn in [&[0][..], &[0, 1], &[0, 5, 0, 0xA4]] {
        let error = serve_vpcd(&mut Toy::default(), Script(torn)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{torn:?}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics_on_any_messages(bytes: Vec<u8>) {
        let _ = serve_vpcd(&mut Toy::default(), Script(&bytes));
    }
}
