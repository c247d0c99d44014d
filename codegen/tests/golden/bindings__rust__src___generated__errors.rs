// Code generated from spec/errors.yaml by codegen. DO NOT EDIT.

/// What went wrong. Branch on this, never on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Not there.
    NotFound = 1,
    /// Too long, by far.
    Timeout = 7,
}

impl Kind {
    /// The kind of a number of the core's; one that is not known here is `Internal`.
    pub fn from_number(number: u32) -> Kind {
        match number {
            1 => Kind::NotFound,
            7 => Kind::Timeout,
            _ => Kind::Internal,
        }
    }

    /// Its name in every language.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NotFound => "not_found",
            Kind::Timeout => "timeout",
        }
    }
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryClass {
    /// Never.
    Permanent = 0,
    /// Later.
    Temporary = 1,
}

impl RetryClass {
    /// The class of a number of the core's.
    pub fn from_number(number: u32) -> RetryClass {
        match number {
            0 => RetryClass::Permanent,
            1 => RetryClass::Temporary,
            _ => RetryClass::Permanent,
        }
    }

    /// Its name in every language.
    pub fn name(self) -> &'static str {
        match self {
            RetryClass::Permanent => "permanent",
            RetryClass::Temporary => "temporary",
        }
    }
}

/// Finer codes of errors, each of one kind.
pub mod detail {
    /// No bike of that name.
    pub const SHOP_NO_BIKE: &str = "no_bike";
}
