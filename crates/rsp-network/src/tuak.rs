//! TUAK (3GPP TS 35.231) with a permutation of its own, written from the description of Keccak in FIPS 202: the card's
//! comes from a library, so that each checks the other.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Sqn;

/// A subscriber's K and TOPc.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Tuak {
    key: Vec<u8>,
    topc: [u8; 32],
    iterations: u8,
}

/// What f2 to f5 compute of one RAND.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TuakKeys {
    /// f2.
    pub res: Vec<u8>,
    /// f3.
    pub ck: Vec<u8>,
    /// f4.
    pub ik: Vec<u8>,
    /// f5.
    pub ak: [u8; 6],
}

impl Tuak {
    /// A subscriber with K of 128 or 256 bits and one iteration of the permutation; `None` for another K.
    pub fn new(key: &[u8], topc: [u8; 32]) -> Option<Self> {
        (key.len() == 16 || key.len() == 32).then(|| Self { key: key.to_vec(), topc, iterations: 1 })
    }

    /// The same subscriber with as many iterations of the permutation.
    #[must_use]
    pub fn with_iterations(mut self, iterations: u8) -> Self {
        self.iterations = iterations;
        self
    }

    /// TOPc for this key of the operator's TOP, which takes TOPc's place in `self` (TS 35.231 6.2).
    pub fn topc_of_top(&self) -> [u8; 32] {
        let out = self.run(0, &[0; 16], [0; 6], [0; 2]);
        let mut topc = [0; 32];
        topc.copy_from_slice(&self.output(&out, 0, 32));
        topc
    }

    /// MAC-A with `length` bytes: 8, 16 or 32.
    pub fn f1(&self, rand: &[u8; 16], sqn: Sqn, amf: [u8; 2], length: usize) -> Vec<u8> {
        let out = self.run(length as u8, rand, sqn.to_bytes(), amf);
        self.output(&out, 0, length)
    }

    /// MAC-S with `length` bytes.
    pub fn f1_star(&self, rand: &[u8; 16], sqn: Sqn, amf: [u8; 2], length: usize) -> Vec<u8> {
        let out = self.run(0x80 + length as u8, rand, sqn.to_bytes(), amf);
        self.output(&out, 0, length)
    }

    /// RES, CK, IK and AK; RES of 4, 8, 16 or 32 bytes, the keys of 16 or 32.
    pub fn f2345(&self, rand: &[u8; 16], res: usize, ck: usize, ik: usize) -> TuakKeys {
        let mut instance = 0x40;
        if res != 4 {
            instance += res as u8;
        }
        if ck == 32 {
            instance += 4;
        }
        if ik == 32 {
            instance += 2;
        }
        let out = self.run(instance, rand, [0; 6], [0; 2]);
        TuakKeys {
            res: self.output(&out, 0, res),
            ck: self.output(&out, 4, ck),
            ik: self.output(&out, 8, ik),
            ak: first_six(&out[12]),
        }
    }

    /// AK of AUTS.
    pub fn f5_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        first_six(&self.run(0xC0, rand, [0; 6], [0; 2])[12])
    }

    /// The lanes after all iterations. The inputs stand in it from their last byte to their first (TS 35.231 6.1).
    fn run(&self, instance: u8, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Zeroizing<[u64; 25]> {
        let mut bytes: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(200));
        bytes.extend(self.topc.iter().rev());
        bytes.push(instance + u8::from(self.key.len() == 32));
        bytes.extend(b"0.1KAUT");
        bytes.extend(rand.iter().rev());
        bytes.extend(amf.iter().rev());
        bytes.extend(sqn.iter().rev());
        bytes.extend(self.key.iter().rev());
        bytes.resize(96, 0);
        bytes.push(0x1F);
        bytes.resize(135, 0);
        bytes.push(0x80);
        bytes.resize(200, 0);
        let mut lanes = Zeroizing::new([0; 25]);
        for (index, byte) in bytes.iter().enumerate() {
            lanes[index / 8] |= u64::from(*byte) << (8 * (index % 8));
        }
        (0..self.iterations).for_each(|_| permute(&mut lanes));
        lanes
    }

    /// `length` bytes from lane `first` on, the last of them first.
    fn output(&self, lanes: &[u64; 25], first: usize, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = lanes[first..].iter().flat_map(|lane| lane.to_le_bytes()).take(length).collect();
        bytes.reverse();
        bytes
    }
}

fn first_six(lane: &u64) -> [u8; 6] {
    let [_, _, ak @ ..] = lane.to_be_bytes();
    ak
}

/// Keccak-f\[1600\] (FIPS 202 3.2 and 3.3); lane (x, y) stands at x + 5y.
fn permute(lanes: &mut [u64; 25]) {
    let mut register = 1u8;
    for _ in 0..24 {
        theta(lanes);
        rho_and_pi(lanes);
        chi(lanes);
        lanes[0] ^= round_constant(&mut register);
    }
}

fn theta(lanes: &mut [u64; 25]) {
    let parity: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |parity, y| parity ^ lanes[x + 5 * y]));
    for (index, lane) in lanes.iter_mut().enumerate() {
        let x = index % 5;
        *lane ^= parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
    }
}

fn rho_and_pi(lanes: &mut [u64; 25]) {
    let (mut x, mut y, mut moved) = (1, 0, lanes[1]);
    for t in 0..24 {
        (x, y) = (y, (2 * x + 3 * y) % 5);
        let lane = &mut lanes[x + 5 * y];
        (moved, *lane) = (*lane, moved.rotate_left((t + 1) * (t + 2) / 2 % 64));
    }
}

fn chi(lanes: &mut [u64; 25]) {
    for row in lanes.chunks_exact_mut(5) {
        let old: [u64; 5] = std::array::from_fn(|x| row[x]);
        for (x, lane) in row.iter_mut().enumerate() {
            *lane ^= !old[(x + 1) % 5] & old[(x + 2) % 5];
        }
    }
}

/// The next constant of iota: seven bits of the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1.
fn round_constant(register: &mut u8) -> u64 {
    let mut constant = 0;
    for power in 0..7 {
        if *register & 1 == 1 {
            constant |= 1 << ((1u32 << power) - 1);
        }
        *register = *register << 1 ^ if *register & 0x80 == 0 { 0 } else { 0x71 };
    }
    constant
}

#[cfg(test)]
mod tests {
    use super::permute;

    /// The permutation of a state of zeros, as every implementation of SHA-3 knows it.
    #[test]
    fn permutes_zeros_as_all_do() {
        let mut lanes = [0; 25];
        permute(&mut lanes);
        assert_eq!((lanes[0], lanes[24]), (0xF125_8F79_40E1_DDE7, 0xEAF1_FF7B_5CEC_A249));
        permute(&mut lanes);
        assert_eq!(lanes[0], 0x2D5C_954D_F96E_CB3C);
    }
}
