//! Files of the templates, as the interoperable format defines them (TCA profile package annex A).
//!
//! Each row gives the field's name, the file identifier, then for records their count and length or for other files the
//! size, the record of EF_ARR, the SFI, and what an unwritten file holds. A zero stands for what the package itself must
//! give (identifier, count, size) or for no SFI; `high` marks what is updated often. Files lie in the DF that was named
//! last before them; DFs behind the first one lie in that first one.

use super::Fill::{Between, Pattern, Repeat};
use super::{FF, FileTemplate, ZERO, ber_tlv, cyclic, df, high, linear, transparent};

/// Files of PE-MF.
pub(super) const MF: &[FileTemplate] = &[
    df("mf", 0x3F00, 14),
    transparent("ef-pl", 0x2F05, 2, 1, 0x05, FF),
    transparent("ef-iccid", 0x2FE2, 10, 11, 0, FF),
    linear("ef-dir", 0x2F00, 0, 0, 10, 0x1E, FF),
    linear("ef-arr", 0x2F06, 0, 0, 10, 0, FF),
    transparent("ef-umpc", 0x2F08, 5, 10, 0x08, FF),
];

/// Files of PE-CD.
pub(super) const CD: &[FileTemplate] = &[
    df("df-cd", 0x7F11, 14),
    transparent("ef-launchpad", 0x6F01, 0, 2, 0, FF),
    transparent("ef-icon", 0x6F40, 0, 2, 0, FF),
];

/// Files of PE-TELECOM.
pub(super) const TELECOM: &[FileTemplate] = &[
    df("df-telecom", 0x7F10, 14),
    linear("ef-arr", 0x6F06, 0, 0, 10, 0, FF),
    linear("ef-rma", 0x6F53, 0, 0, 3, 0, FF),
    transparent("ef-sume", 0x6F54, 22, 3, 0, FF),
    linear("ef-ice-dn", 0x6FE0, 50, 24, 9, 0, FF),
    linear("ef-ice-ff", 0x6FE1, 0, 0, 9, 0, FF),
    linear("ef-psismsc", 0x6FE5, 0, 0, 5, 0, FF),
    df("df-graphics", 0x5F50, 14),
    linear("ef-img", 0x4F20, 0, 0, 2, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-iidf", 0x4F40, 0, 2, 0, FF),
    ber_tlv("ef-ice-graphics", 0x4F21, 0, 9, 0),
    transparent("ef-launch-scws", 0x4F01, 0, 10, 0, FF),
    transparent("ef-icon", 0x4F80, 0, 10, 0, FF),
    df("df-phonebook", 0x5F3A, 14),
    linear("ef-pbr", 0x4F30, 0, 0, 2, 0, FF),
    linear("ef-ext1", 0x4F38, 0, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-aas", 0x4F40, 0, 0, 5, 0, FF),
    linear("ef-gas", 0x4F48, 0, 0, 5, 0, FF),
    transparent("ef-psc", 0x4F22, 4, 5, 0, ZERO),
    high(transparent("ef-cc", 0x4F23, 2, 5, 0, ZERO)),
    high(transparent("ef-puid", 0x4F24, 2, 5, 0, ZERO)),
    linear("ef-iap", 0x4F50, 0, 0, 5, 0, FF),
    linear("ef-adn", 0x4F58, 0, 0, 5, 0, FF),
    linear("ef-pbc", 0x4F60, 0, 2, 5, 0, ZERO),
    linear("ef-anr", 0x4F68, 0, 0, 5, 0, FF),
    linear("ef-puri", 0x4F70, 0, 0, 5, 0, FF),
    linear("ef-email", 0x4F78, 0, 0, 5, 0, FF),
    linear("ef-sne", 0x4F80, 0, 0, 5, 0, FF),
    linear("ef-uid", 0x4F88, 0, 2, 5, 0, ZERO),
    linear("ef-grp", 0x4F90, 0, 0, 5, 0, ZERO),
    linear("ef-ccp1", 0x4F98, 0, 0, 5, 0, FF),
    df("df-multimedia", 0x5F3B, 14),
    ber_tlv("ef-mml", 0x4F47, 0, 5, 0),
    ber_tlv("ef-mmdf", 0x4F48, 0, 5, 0),
    df("df-mmss", 0x5F3C, 14),
    transparent("ef-mlpl", 0x4F20, 0, 2, 0x01, FF),
    transparent("ef-mspl", 0x4F21, 0, 2, 0x02, FF),
    transparent("ef-mmssmode", 0x4F22, 1, 2, 0x03, FF),
    df("df-mcs", 0x5F3D, 14),
    transparent("ef-mst", 0x4F01, 0, 2, 0x01, FF),
    ber_tlv("ef-mcs-config", 0x4F02, 0, 2, 0x02),
    df("df-v2x", 0x5F3E, 14),
    transparent("ef-vst", 0x4F01, 0, 2, 0x01, FF),
    ber_tlv("ef-v2x-config", 0x4F02, 0, 2, 0x02),
    transparent("ef-v2xp-pc5", 0x4F03, 0, 2, 0, FF),
    transparent("ef-v2xp-Uu", 0x4F04, 0, 2, 0, FF),
];

/// Files of PE-USIM.
pub(super) const USIM: &[FileTemplate] = &[
    df("adf-usim", 0, 14),
    transparent("ef-imsi", 0x6F07, 9, 2, 0x07, FF),
    linear("ef-arr", 0x6F06, 0, 0, 10, 0x17, FF),
    high(transparent("ef-keys", 0x6F08, 33, 5, 0x08, Pattern(&[0x07, 0xFF]))),
    high(transparent("ef-keysPS", 0x6F09, 33, 5, 0x09, Pattern(&[0x07, 0xFF]))),
    transparent("ef-hpplmn", 0x6F31, 1, 2, 0x12, Pattern(&[0x0A])),
    transparent("ef-ust", 0x6F38, 14, 2, 0x04, FF),
    linear("ef-fdn", 0x6F3B, 20, 26, 8, 0, FF),
    linear("ef-sms", 0x6F3C, 10, 176, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-smsp", 0x6F42, 1, 38, 5, 0, FF),
    transparent("ef-smss", 0x6F43, 2, 5, 0, FF),
    transparent("ef-spn", 0x6F46, 17, 10, 0, FF),
    transparent("ef-est", 0x6F56, 1, 8, 0x05, FF),
    high(transparent("ef-start-hfn", 0x6F5B, 6, 5, 0x0F, Pattern(&[0xF0, 0x00, 0x00, 0xF0, 0x00, 0x00]))),
    transparent("ef-threshold", 0x6F5C, 3, 2, 0x10, FF),
    high(transparent(
        "ef-psloci",
        0x6F73,
        14,
        5,
        0x0C,
        Pattern(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0x01]),
    )),
    transparent("ef-acc", 0x6F78, 2, 2, 0x06, FF),
    transparent("ef-fplmn", 0x6F7B, 12, 5, 0x0D, FF),
    high(transparent(
        "ef-loci",
        0x6F7E,
        11,
        5,
        0x0B,
        Pattern(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0x01]),
    )),
    transparent("ef-ad", 0x6FAD, 4, 10, 0x03, Pattern(&[0x00, 0x00, 0x00, 0x02])),
    linear("ef-ecc", 0x6FB7, 1, 4, 10, 0x01, FF),
    high(transparent("ef-netpar", 0x6FC4, 128, 5, 0, FF)),
    high(transparent(
        "ef-epsloci",
        0x6FE3,
        18,
        5,
        0x1E,
        Pattern(&[
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x01,
        ]),
    )),
    high(linear("ef-epsnsc", 0x6FE4, 1, 80, 5, 0x18, FF)),
];

/// Files of PE-OPT-USIM.
pub(super) const OPT_USIM: &[FileTemplate] = &[
    transparent("ef-li", 0x6F05, 6, 1, 0x02, FF),
    transparent("ef-acmax", 0x6F37, 3, 5, 0, ZERO),
    high(cyclic("ef-acm", 0x6F39, 1, 3, 7, 0, ZERO)),
    transparent("ef-gid1", 0x6F3E, 8, 2, 0, FF),
    transparent("ef-gid2", 0x6F3F, 8, 2, 0, FF),
    linear("ef-msisdn", 0x6F40, 1, 24, 2, 0, FF),
    transparent("ef-puct", 0x6F41, 5, 5, 0, Pattern(&[0xFF, 0xFF, 0xFF, 0x00, 0x00])),
    transparent("ef-cbmi", 0x6F45, 10, 5, 0, FF),
    transparent("ef-cbmid", 0x6F48, 10, 2, 0x0E, FF),
    linear("ef-sdn", 0x6F49, 10, 24, 2, 0, FF),
    linear("ef-ext2", 0x6F4B, 10, 13, 8, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-ext3", 0x6F4C, 10, 13, 2, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-cbmir", 0x6F50, 20, 5, 0, FF),
    transparent("ef-plmnwact", 0x6F60, 40, 5, 0x0A, Repeat(&[0xFF, 0xFF, 0xFF, 0x00, 0x00])),
    transparent("ef-oplmnwact", 0x6F61, 40, 2, 0x11, Repeat(&[0xFF, 0xFF, 0xFF, 0x00, 0x00])),
    transparent("ef-hplmnwact", 0x6F62, 5, 2, 0x13, Repeat(&[0xFF, 0xFF, 0xFF, 0x00, 0x00])),
    transparent("ef-dck", 0x6F2C, 16, 5, 0, FF),
    transparent("ef-cnl", 0x6F32, 30, 2, 0, FF),
    linear("ef-smsr", 0x6F47, 10, 30, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-bdn", 0x6F4D, 10, 25, 8, 0, FF),
    linear("ef-ext5", 0x6F4E, 10, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-ccp2", 0x6F4F, 5, 15, 5, 0x16, FF),
    linear("ef-ext4", 0x6F55, 10, 13, 8, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-acl", 0x6F57, 101, 8, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-cmi", 0x6F58, 10, 11, 2, 0, FF),
    high(cyclic(
        "ef-ici",
        0x6F80,
        20,
        38,
        5,
        0x14,
        Between(&[0xFF], &[0xFF, 0x00, 0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]),
    )),
    high(cyclic("ef-oci", 0x6F81, 20, 37, 5, 0x15, Between(&[0xFF], &[0xFF, 0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]))),
    high(cyclic("ef-ict", 0x6F82, 1, 3, 7, 0, ZERO)),
    high(cyclic("ef-oct", 0x6F83, 1, 3, 7, 0, ZERO)),
    transparent("ef-vgcs", 0x6FB1, 20, 2, 0, FF),
    transparent("ef-vgcss", 0x6FB2, 7, 5, 0, FF),
    transparent("ef-vbs", 0x6FB3, 20, 2, 0, FF),
    transparent("ef-vbss", 0x6FB4, 7, 5, 0, FF),
    transparent("ef-emlpp", 0x6FB5, 2, 2, 0, FF),
    transparent("ef-aaem", 0x6FB6, 1, 5, 0, ZERO),
    transparent("ef-hiddenkey", 0x6FC3, 4, 5, 0, FF),
    linear("ef-pnn", 0x6FC5, 10, 16, 10, 0x19, FF),
    linear("ef-opl", 0x6FC6, 5, 8, 10, 0x1A, FF),
    linear("ef-mbdn", 0x6FC7, 3, 24, 5, 0, FF),
    linear("ef-ext6", 0x6FC8, 10, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-mbi", 0x6FC9, 10, 5, 5, 0, FF),
    high(linear("ef-mwis", 0x6FCA, 10, 6, 5, 0, ZERO)),
    linear("ef-cfis", 0x6FCB, 10, 16, 5, 0, Pattern(&[0x01, 0x00, 0xFF])),
    linear("ef-ext7", 0x6FCC, 10, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-spdi", 0x6FCD, 17, 2, 0x1B, FF),
    linear("ef-mmsn", 0x6FCE, 10, 6, 5, 0, Pattern(&[0x00, 0x00, 0x00, 0xFF])),
    linear("ef-ext8", 0x6FCF, 10, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-mmsicp", 0x6FD0, 100, 2, 0, FF),
    linear("ef-mmsup", 0x6FD1, 0, 0, 5, 0, FF),
    transparent("ef-mmsucp", 0x6FD2, 100, 5, 0, FF),
    linear("ef-nia", 0x6FD3, 5, 11, 2, 0, FF),
    transparent("ef-vgcsca", 0x6FD4, 0, 2, 0, ZERO),
    transparent("ef-vbsca", 0x6FD5, 0, 2, 0, ZERO),
    transparent("ef-gbabp", 0x6FD6, 0, 5, 0, FF),
    high(linear("ef-msk", 0x6FD7, 0, 0, 2, 0, FF)),
    linear("ef-muk", 0x6FD8, 0, 0, 2, 0, FF),
    transparent("ef-ehplmn", 0x6FD9, 15, 2, 0x1D, FF),
    linear("ef-gbanl", 0x6FDA, 0, 0, 2, 0, FF),
    transparent("ef-ehplmnpi", 0x6FDB, 1, 2, 0, ZERO),
    transparent("ef-lrplmnsi", 0x6FDC, 1, 2, 0, ZERO),
    linear("ef-nafkca", 0x6FDD, 0, 0, 2, 0, FF),
    transparent("ef-spni", 0x6FDE, 0, 10, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-pnni", 0x6FDF, 0, 0, 10, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-ncp-ip", 0x6FE2, 0, 0, 2, 0, FF),
    transparent(
        "ef-ufc",
        0x6FE6,
        30,
        10,
        0,
        Pattern(&[
            0x80, 0x1E, 0x60, 0xC0, 0x1E, 0x90, 0x00, 0x80, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0,
            0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
        ]),
    ),
    transparent("ef-nasconfig", 0x6FE8, 18, 2, 0, FF),
    linear("ef-uicciari", 0x6FE7, 0, 0, 2, 0, FF),
    transparent("ef-pws", 0x6FEC, 0, 10, 0, FF),
    linear("ef-fdnuri", 0x6FED, 0, 0, 8, 0, FF),
    linear("ef-bdnuri", 0x6FEE, 0, 0, 8, 0, FF),
    linear("ef-sdnuri", 0x6FEF, 0, 0, 2, 0, FF),
    linear("ef-ial", 0x6FF0, 0, 0, 3, 0, FF),
    high(cyclic("ef-ips", 0x6FF1, 0, 4, 10, 0, FF)),
    high(linear("ef-ipd", 0x6FF2, 0, 0, 3, 0, FF)),
    transparent("ef-epdgid", 0x6FF3, 0, 2, 0, FF),
    transparent("ef-epdgselection", 0x6FF4, 0, 2, 0, FF),
    transparent("ef-epdgidem", 0x6FF5, 0, 2, 0, FF),
    transparent("ef-epdgselectionem", 0x6FF6, 0, 2, 0, FF),
    transparent("ef-frompreferred", 0x6FF7, 1, 2, 0, ZERO),
    ber_tlv("ef-imsconfigdata", 0x6FF8, 0, 2, 0),
    transparent("ef-3gpppsdataoff", 0x6FF9, 4, 2, 0, FF),
    linear("ef-3gpppsdataoffservicelist", 0x6FFA, 0, 0, 2, 0, FF),
    ber_tlv("ef-xcapconfigdata", 0x6FFC, 0, 2, 0),
    transparent("ef-earfcnlist", 0x6FFD, 0, 10, 0, FF),
    ber_tlv("ef-mudmidconfigdata", 0x6FFE, 0, 2, 0),
    transparent("ef-eaka", 0x6F01, 1, 3, 0, FF),
];

/// Files of PE-ISIM.
pub(super) const ISIM: &[FileTemplate] = &[
    df("adf-isim", 0, 14),
    transparent("ef-impi", 0x6F02, 0, 2, 0x02, FF),
    linear("ef-impu", 0x6F04, 1, 0, 2, 0x04, FF),
    transparent("ef-domain", 0x6F03, 0, 2, 0x05, FF),
    transparent("ef-ist", 0x6F07, 14, 2, 0x07, FF),
    transparent("ef-ad", 0x6FAD, 3, 10, 0x03, ZERO),
    linear("ef-arr", 0x6F06, 0, 0, 10, 0x06, FF),
];

/// Files of PE-OPT-ISIM.
pub(super) const OPT_ISIM: &[FileTemplate] = &[
    linear("ef-pcscf", 0x6F09, 1, 0, 2, 0, FF),
    linear("ef-sms", 0x6F3C, 10, 176, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-smsp", 0x6F42, 1, 38, 5, 0, FF),
    transparent("ef-smss", 0x6F43, 2, 5, 0, FF),
    linear("ef-smsr", 0x6F47, 10, 30, 5, 0, Pattern(&[0x00, 0xFF])),
    transparent("ef-gbabp", 0x6FD5, 0, 5, 0, FF),
    linear("ef-gbanl", 0x6FD7, 0, 0, 2, 0, FF),
    linear("ef-nafkca", 0x6FDD, 0, 0, 2, 0, FF),
    linear("ef-uicciari", 0x6FE7, 0, 0, 2, 0, FF),
    transparent("ef-frompreferred", 0x6FF7, 1, 2, 0, ZERO),
    ber_tlv("ef-imsconfigdata", 0x6FF8, 0, 2, 0),
    ber_tlv("ef-xcapconfigdata", 0x6FFC, 0, 2, 0),
    linear("ef-webrtcuri", 0x6FFA, 0, 0, 2, 0, FF),
    ber_tlv("ef-mudmidconfigdata", 0x6FFE, 0, 2, 0),
];

/// Files of PE-PHONEBOOK.
pub(super) const PHONEBOOK: &[FileTemplate] = &[
    df("df-phonebook", 0x5F3A, 14),
    linear("ef-pbr", 0x4F30, 0, 0, 2, 0, FF),
    linear("ef-ext1", 0x4F38, 0, 13, 5, 0, Pattern(&[0x00, 0xFF])),
    linear("ef-aas", 0x4F40, 0, 0, 5, 0, FF),
    linear("ef-gas", 0x4F48, 0, 0, 5, 0, FF),
    transparent("ef-psc", 0x4F22, 4, 5, 0, ZERO),
    high(transparent("ef-cc", 0x4F23, 2, 5, 0, ZERO)),
    high(transparent("ef-puid", 0x4F24, 2, 5, 0, ZERO)),
    linear("ef-iap", 0x4F50, 0, 0, 5, 0, FF),
    linear("ef-adn", 0x4F58, 0, 0, 5, 0, FF),
    linear("ef-pbc", 0x4F60, 0, 2, 5, 0, ZERO),
    linear("ef-anr", 0x4F68, 0, 0, 5, 0, FF),
    linear("ef-puri", 0x4F70, 0, 0, 5, 0, FF),
    linear("ef-email", 0x4F78, 0, 0, 5, 0, FF),
    linear("ef-sne", 0x4F80, 0, 0, 5, 0, FF),
    linear("ef-uid", 0x4F88, 0, 2, 5, 0, ZERO),
    linear("ef-grp", 0x4F90, 0, 0, 5, 0, ZERO),
    linear("ef-ccp1", 0x4F98, 0, 0, 5, 0, FF),
];

/// Files of PE-GSM-ACCESS.
pub(super) const GSM_ACCESS: &[FileTemplate] = &[
    df("df-gsm-access", 0x5F3B, 14),
    high(transparent("ef-kc", 0x4F20, 9, 5, 0x01, Between(&[0xFF], &[0xFF, 0x07]))),
    high(transparent("ef-kcgprs", 0x4F52, 9, 5, 0x02, Between(&[0xFF], &[0xFF, 0x07]))),
    high(transparent("ef-cpbcch", 0x4F63, 10, 5, 0, FF)),
    transparent("ef-invscan", 0x4F64, 1, 2, 0, ZERO),
];

/// Files of PE-EAP.
pub(super) const EAP: &[FileTemplate] = &[
    df("df-eap", 0, 14),
    high(transparent("ef-eapkeys", 0x4F01, 0, 2, 0, FF)),
    high(transparent("ef-eapstatus", 0x4F02, 1, 2, 0, ZERO)),
    transparent("ef-puid", 0x4F03, 0, 2, 0, FF),
    high(transparent("ef-ps", 0x4F04, 0, 5, 0, FF)),
    high(transparent("ef-curid", 0x4F20, 0, 5, 0, FF)),
    transparent("ef-reid", 0x4F21, 0, 5, 0, FF),
    transparent("ef-realm", 0x4F22, 0, 5, 0, FF),
];

/// Files of PE-DF-5GS.
pub(super) const DF_5GS: &[FileTemplate] = &[
    df("df-df-5gs", 0x5FC0, 14),
    high(transparent(
        "ef-5gs3gpploci",
        0x4F01,
        20,
        5,
        0x01,
        Pattern(&[
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00,
            0x00, 0x01,
        ]),
    )),
    high(transparent(
        "ef-5gsn3gpploci",
        0x4F02,
        20,
        5,
        0x02,
        Pattern(&[
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00,
            0x00, 0x01,
        ]),
    )),
    high(linear("ef-5gs3gppnsc", 0x4F03, 2, 62, 5, 0x03, FF)),
    high(linear("ef-5gsn3gppnsc", 0x4F04, 2, 62, 5, 0x04, FF)),
    high(transparent("ef-5gauthkeys", 0x4F05, 110, 5, 0x05, FF)),
    transparent("ef-uac-aic", 0x4F06, 4, 2, 0x06, FF),
    transparent("ef-suci-calc-info", 0x4F07, 0, 2, 0x07, FF),
    linear("ef-opl5g", 0x4F08, 0, 10, 10, 0x08, FF),
    transparent("ef-supinai", 0x4F09, 0, 2, 0x09, FF),
    transparent("ef-routing-indicator", 0x4F0A, 4, 2, 0x0A, Pattern(&[0xF0, 0xFF, 0x00, 0x00])),
    ber_tlv("ef-ursp", 0x4F0B, 0, 2, 0),
    transparent("ef-tn3gppsnn", 0x4F0C, 1, 2, 0x0C, ZERO),
    transparent("ef-cag", 0x4F0D, 2, 2, 0x0D, FF),
    transparent("ef-sor-cmci", 0x4F0E, 0, 2, 0x0E, FF),
    transparent("ef-dri", 0x4F0F, 7, 2, 0x0F, FF),
    transparent("ef-5gsedrx", 0x4F10, 2, 2, 0x10, FF),
    transparent("ef-5gnswo-conf", 0x4F11, 1, 2, 0x11, FF),
    transparent("ef-mchpplmn", 0x4F15, 1, 2, 0x15, FF),
    transparent("ef-kausf-derivation", 0x4F16, 1, 2, 0x16, FF),
];

/// Files of PE-DF-SAIP.
pub(super) const DF_SAIP: &[FileTemplate] =
    &[df("df-df-saip", 0x5FD0, 14), transparent("ef-suci-calc-info-usim", 0x4F01, 0, 3, 0, FF)];

/// Files of PE-DF-SNPN.
pub(super) const DF_SNPN: &[FileTemplate] =
    &[df("df-df-snpn", 0x5FE0, 14), transparent("ef-pws-snpn", 0x4F01, 1, 10, 0, FF)];

/// Files of PE-DF-5GPROSE.
pub(super) const DF_5GPROSE: &[FileTemplate] = &[
    df("df-df-5g-prose", 0x5FF0, 14),
    transparent("ef-5g-prose-st", 0x4F01, 1, 2, 0x01, FF),
    transparent("ef-5g-prose-dd", 0x4F02, 26, 2, 0x02, FF),
    transparent("ef-5g-prose-dc", 0x4F03, 12, 2, 0x03, FF),
    transparent("ef-5g-prose-u2nru", 0x4F04, 32, 2, 0x04, FF),
    transparent("ef-5g-prose-ru", 0x4F05, 29, 2, 0x05, FF),
    transparent("ef-5g-prose-uir", 0x4F06, 32, 2, 0x06, FF),
];
