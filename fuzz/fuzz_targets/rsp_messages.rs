//! Messages of ES8+, ES9+, ES10 and ES11 as bytes, and of ES2+, ES9+, ES11, ES12 and ES15 as JSON (SGP.22 Annex H and 6.5):
//! what is decoded can be encoded, and the encoding means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rsp_asn1::*;
use rsp_es::{es2plus, es9plus, es11, es12};

/// Tries each type of the list on the input.
macro_rules! round_trip {
    ($data:expr, $($message:ty),+ $(,)?) => {
        $(
            let _ = decode_command::<$message>($data);
            if let Ok(value) = decode::<$message>($data) {
                if let Ok(encoded) = encode(&value) {
                    let again = decode::<$message>(&encoded).ok();
                    assert!(again.as_ref() == Some(&value), "{} changes its meaning", stringify!($message));
                }
                let _ = Raw::<$message>::from_der($data).map(|raw| assert_eq!(raw.bytes(), $data));
            }
        )+
    };
}

/// Tries each JSON message of the list on the input.
macro_rules! json {
    ($data:expr, $interface:ident::$side:ident: $($message:ident),+ $(,)?) => {
        $(
            if let Ok(message) = <$interface::$message as $interface::$side>::from_json($data) {
                let written = <$interface::$message as $interface::$side>::to_json(&message);
                let again = <$interface::$message as $interface::$side>::from_json(written.as_bytes());
                assert!(again.is_ok(), stringify!($message));
            }
        )+
    };
}

fuzz_target!(|data: &[u8]| {
    if data.first() == Some(&b'{') {
        json!(data, es9plus::Request: InitiateAuthenticationRequest, AuthenticateClientRequest, GetBoundProfilePackageRequest,
            HandleNotificationRequest, CancelSessionRequest);
        json!(data, es9plus::Response: InitiateAuthenticationResponse, AuthenticateClientResponse,
            GetBoundProfilePackageResponse);
        json!(data, es2plus::Request: DownloadOrderRequest, ConfirmOrderRequest, CancelOrderRequest,
            ReleaseProfileRequest, HandleDownloadProgressInfoRequest);
        json!(data, es2plus::Response: DownloadOrderResponse, ConfirmOrderResponse);
        json!(data, es12::Request: RegisterEventRequest, DeleteEventRequest);
        let _ = <es11::AuthenticateClientResponse as es9plus::Response>::from_json(data);
        return;
    }
    let _ = tlv::check_one(data, 16);
    for element in tlv::iter(data) {
        let Ok(element) = element else { break };
        assert_eq!(element.raw().len(), element.header().len() + element.value().len());
    }
    round_trip!(
        data,
        // ES9+ and ES11.
        RemoteProfileProvisioningRequest,
        RemoteProfileProvisioningResponse,
        InitiateAuthenticationRequest,
        InitiateAuthenticationResponse,
        AuthenticateClientRequest,
        AuthenticateClientResponseEs9,
        AuthenticateClientResponseEs11,
        GetBoundProfilePackageRequest,
        GetBoundProfilePackageResponse,
        HandleNotification,
        CancelSessionRequestEs9,
        CancelSessionResponseEs9,
        // ES10b.
        GetEuiccInfo1Request,
        EuiccInfo1,
        EuiccInfo2,
        GetEuiccChallengeRequest,
        GetEuiccChallengeResponse,
        AuthenticateServerRequest,
        AuthenticateServerResponse,
        ServerSigned1,
        EuiccSigned1,
        PrepareDownloadRequest,
        PrepareDownloadResponse,
        CancelSessionRequest,
        CancelSessionResponse,
        PendingNotification,
        ProfileInstallationResult,
        LoadCrlRequest,
        LoadCrlResponse,
        // ES10a and ES10c.
        EuiccConfiguredAddressesResponse,
        SetDefaultDpAddressRequest,
        ProfileInfoListRequest,
        ProfileInfoListResponse,
        EnableProfileRequest,
        DisableProfileRequest,
        DeleteProfileRequest,
        EuiccMemoryResetRequest,
        GetEuiccDataRequest,
        SetNicknameRequest,
        // ES8+.
        InitialiseSecureChannelRequest,
        ConfigureIsdpRequest,
        StoreMetadataRequest,
    );
});
