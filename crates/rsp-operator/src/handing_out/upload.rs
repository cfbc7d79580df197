//! Forms with a file.

use std::collections::HashMap;

use axum::extract::Multipart;
use rsp_crypto::Zeroizing;

use crate::error::Error;

/// What a form with a file says. The file may hold keys.
#[derive(Default)]
pub(super) struct Upload {
    fields: HashMap<String, String>,
    /// Name of the file.
    pub(super) name: String,
    /// What is in it.
    pub(super) content: Zeroizing<Vec<u8>>,
}

impl Upload {
    /// Reads a form whose file is called `file`.
    pub(super) async fn read(mut form: Multipart) -> Result<Self, Error> {
        let broken = |_| Error::invalid("file", "the form did not arrive whole");
        let mut upload = Self::default();
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                upload.name = field.file_name().unwrap_or_default().to_owned();
                upload.content = Zeroizing::new(field.bytes().await.map_err(broken)?.to_vec());
            } else {
                upload.fields.insert(name, field.text().await.map_err(broken)?);
            }
        }
        if upload.content.is_empty() {
            return Err(Error::invalid("file", "choose a file that is not empty"));
        }
        Ok(upload)
    }

    /// A field that was filled in.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}
