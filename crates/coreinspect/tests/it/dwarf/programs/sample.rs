//! Fills a segment with a struct of Rust's kinds, says where everything is, and waits to be dumped.
#![allow(dead_code, reason = "read by debuggers alone")]

use std::num::NonZeroU32;

mod shop {
    use super::*;

    #[derive(Clone, Copy)]
    pub enum Color {
        Red,
        Green = 5,
        Blue = -1,
    }

    #[repr(u8)]
    pub enum Message {
        Nothing = 1,
        Number(u32) = 2,
        Pair { left: i16, right: i64 } = 9,
    }

    pub enum Tree {
        Leaf,
        Node(u8, [u16; 2]),
    }

    pub union Bits {
        pub integer: u32,
        pub real: f32,
    }

    pub struct Pair<A, B> {
        pub first: A,
        pub second: B,
    }

    pub struct Everything {
        pub flag: bool,
        pub letter: char,
        pub small: i8,
        pub byte: u8,
        pub wide: u128,
        pub negative: i128,
        pub size: usize,
        pub real: f64,
        pub array: [u8; 4],
        pub grid: [[i32; 2]; 2],
        pub tuple: (u8, u32),
        pub text: &'static str,
        pub slice: &'static [u16],
        pub color: Color,
        pub first: Message,
        pub second: Message,
        pub third: Message,
        pub leaf: Tree,
        pub node: Tree,
        pub some: Option<u32>,
        pub none: Option<u32>,
        pub reference: Option<&'static u8>,
        pub null: Option<&'static u8>,
        pub number: Option<NonZeroU32>,
        pub boxed: Option<Box<u32>>,
        pub nested: Option<Option<bool>>,
        pub result: Result<u8, u16>,
        pub unit: (),
        pub generic: Pair<u16, Color>,
        pub bits: Bits,
    }
}

use shop::*;

unsafe extern "C" {
    fn shmget(key: i32, size: usize, flags: i32) -> i32;
    fn shmat(id: i32, at: *const u8, flags: i32) -> *mut u8;
    fn shmctl(id: i32, command: i32, buffer: *mut u8) -> i32;
    fn pause() -> i32;
}

static BYTE: u8 = 1;
static NUMBERS: [u16; 3] = [1, 2, 3];

fn main() {
    let everything = Everything {
        flag: true,
        letter: '€',
        small: -3,
        byte: 200,
        wide: u128::MAX - 1,
        negative: -5,
        size: 77,
        real: 0.125,
        array: *b"abcd",
        grid: [[1, -2], [3, -4]],
        tuple: (4, 5_000_000),
        text: "text",
        slice: &NUMBERS,
        color: Color::Blue,
        first: Message::Nothing,
        second: Message::Number(123_456),
        third: Message::Pair { left: -7, right: -8_000_000_000 },
        leaf: Tree::Leaf,
        node: Tree::Node(6, [7, 8]),
        some: Some(9),
        none: None,
        reference: Some(&BYTE),
        null: None,
        number: NonZeroU32::new(10),
        boxed: None,
        nested: Some(None),
        result: Err(11),
        unit: (),
        generic: Pair { first: 12, second: Color::Green },
        bits: Bits { integer: 0x3f80_0000 },
    };
    unsafe {
        let mut id = shmget(0, 4096, 0o1600);
        if id == 0 {
            // gcore does not name the segment whose number is 0, the first of an IPC namespace.
            id = shmget(0, 4096, 0o1600);
            shmctl(0, 0, std::ptr::null_mut());
        }
        let base = shmat(id, std::ptr::null(), 0);
        shmctl(id, 0, std::ptr::null_mut());
        println!("{base:p}");
        let place = base.cast::<Everything>();
        place.write(everything);
        println!("{}", std::mem::size_of::<Everything>());
        macro_rules! offsets {
            ($($field:ident)*) => {
                $(println!("{} {}", stringify!($field), std::mem::offset_of!(Everything, $field));)*
            };
        }
        offsets!(flag letter small byte wide negative size real array grid tuple text slice color first second third leaf
            node some none reference null number boxed nested result unit generic bits);
        println!("ready");
        pause();
    }
}
