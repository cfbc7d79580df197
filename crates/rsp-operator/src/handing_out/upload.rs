//! Forms with a file.

use std::collections::HashMap;

use axum::extract::Multipart;
use rsp_crypto::{Zeroizing, hash};

use crate::batch::MAX_SIZE;
use crate::error::Error;
use crate::portal::{Viewer, spend};
use crate::service::Service;

/// Octets of a field that is no file: names, and what is chosen.
const FIELD: usize = 1024;

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
                let text = field.text().await.map_err(broken)?;
                if text.len() > FIELD {
                    return Err(Error::invalid("form", format!("a field has more than {FIELD} octets")));
                }
                upload.fields.insert(name, text);
            }
        }
        if upload.content.len() > MAX_SIZE {
            return Err(Error::invalid("file", format!("it is larger than {} MiB", MAX_SIZE / 1024 / 1024)));
        }
        if upload.content.is_empty() {
            return Err(Error::invalid("file", "choose a file that is not empty"));
        }
        Ok(upload)
    }

    /// Refuses a form that was sent before, as browsers do that load the answer again. With another file it is another one:
    /// what was refused can be mended and sent from the same page.
    pub(super) async fn spend(&self, service: &Service, viewer: &Viewer) -> Result<(), Error> {
        let Some(once) = self.field("once") else {
            return Err(Error::invalid("form", "is out of date: load the page again"));
        };
        let what = [once.as_bytes(), &hash::sha256(&self.content)].concat();
        if spend(service, &viewer.session, &what).await? {
            return Ok(());
        }
        let problem = "was sent already: look for what came of it before you load the page again and send another one";
        Err(Error::invalid("form", problem))
    }

    /// A field that was filled in.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}
