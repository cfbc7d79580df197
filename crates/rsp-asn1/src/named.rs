//! Macros for the two ways in which RSPDefinitions names values: INTEGER {name (n)} and BIT STRING {name (n)}.

/// An INTEGER whose values have names. Values without a name are kept: the module is extensible.
macro_rules! named_integer {
    ($(#[$doc:meta])* pub $type:ident { $($(#[$value_doc:meta])* $name:ident = $value:literal => $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(rasn::AsnType, rasn::Encode, rasn::Decode, Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[rasn(delegate)]
        pub struct $type(pub i64);

        impl $type {
            $($(#[$value_doc])* pub const $name: Self = Self($value);)*

            /// The standard's name of this value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $type {
            /// The standard's name and the number, for example `invalidSignature(2)`.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", self.name().unwrap_or("unknown"), self.0)
            }
        }
    };
}

/// A BIT STRING whose bits have names. The length is kept as received: bits beyond it are 0.
macro_rules! named_bits {
    ($(#[$doc:meta])* pub $type:ident { $($(#[$bit_doc:meta])* $name:ident = $bit:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(rasn::AsnType, rasn::Encode, rasn::Decode, Debug, Clone, Default, PartialEq, Eq)]
        #[rasn(delegate)]
        pub struct $type(pub rasn::types::BitString);

        impl $type {
            $($(#[$bit_doc])* pub const $name: usize = $bit;)*

            /// The value in which exactly these bits are 1, without trailing zeros, as DER demands.
            pub fn from_bits(bits: &[usize]) -> Self {
                let length = bits.iter().max().map_or(0, |highest| highest + 1);
                let mut value = rasn::types::BitString::repeat(false, length);
                for &bit in bits {
                    value.set(bit, true);
                }
                Self(value)
            }

            /// Whether a bit is 1.
            pub fn contains(&self, bit: usize) -> bool {
                self.0.get(bit).is_some_and(|bit| *bit)
            }

            /// The bits that are 1, ascending.
            pub fn bits(&self) -> impl Iterator<Item = usize> + '_ {
                self.0.iter_ones()
            }
        }
    };
}

pub(crate) use {named_bits, named_integer};
