// Code generated from spec/abi, spec/events.yaml and spec/operations by codegen. DO NOT EDIT.

//! The C ABI as it is (include/spikard/spikard.h): numbers, layouts, functions. Everything else in this crate is a safe layer above it.

use std::ffi::{c_char, c_int, c_void};

/// Checked when an application is opened.
pub const SPK_ABI: u32 = 3;
/// Version of the core that this was generated for.
pub const SPK_VERSION: &str = "1.2.3";
/// For spk_drain: the manifest's shutdown.timeout_ms.
pub const SPK_DRAIN_DEFAULT: u32 = u32::MAX;

/// The application.
#[repr(C)]
pub struct spk_app {
    _private: [u8; 0],
}

/// One poller thread of an application.
#[repr(C)]
pub struct spk_port {
    _private: [u8; 0],
}

/// Names what commands are for.
pub type spk_id = u64;

// Flags.
/// Not used.
pub const SPK_F_NEW: u16 = 1;

// Methods.
pub const SPK_METHOD_GET: u8 = 1;

// Phases.
pub const SPK_HOOK_FIRST: u64 = 0;

// Reasons.
pub const SPK_CANCEL_BORED: u64 = 1;

// Bodies.
pub const SPK_BODY_RAW: u16 = 0;

// Errors.
pub const SPK_E_OK: i32 = 0;
pub const SPK_E_CONFIG: i32 = 2;

// Events: core to host.
/// Somebody wants one, now.
pub const SPK_EV_ASKED: u16 = 3;

// Commands: host to core.
/// It is gone.
pub const SPK_CMD_SOLD: u16 = 2;

// Operations: `arg` of SPK_CMD_CALL.
pub const SPK_OP_SHOP_BUY: u64 = 40;
pub const SPK_OP_SHOP_READ: u64 = 41;
pub const SPK_OP_SHOP_WRITE: u64 = 42;

/// A view.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_view {
    /// Offset.
    pub off: u32,
    /// Length.
    pub len: u32,
}
const _: () = assert!(std::mem::size_of::<spk_view>() == 8);
const _: () = assert!(std::mem::offset_of!(spk_view, off) == 0);
const _: () = assert!(std::mem::offset_of!(spk_view, len) == 4);

/// A thing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_thing {
    /// Its id.
    pub id: spk_id,
    /// Its name.
    pub name: spk_view,
    /// Memory.
    pub ptr: *const c_void,
}
const _: () = assert!(std::mem::size_of::<spk_thing>() == 24);
const _: () = assert!(std::mem::offset_of!(spk_thing, id) == 0);
const _: () = assert!(std::mem::offset_of!(spk_thing, name) == 8);
const _: () = assert!(std::mem::offset_of!(spk_thing, ptr) == 16);

extern "C" {
    /// Sells one thing. A long text that has to be wrapped because it goes on and on, further than a line of a header file of this project may be, and
    /// then some.
    pub fn spk_sell(thing: *const spk_thing, n: u32) -> c_int;
    /// Nothing.
    pub fn spk_hello();
}
