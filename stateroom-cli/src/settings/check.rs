//! Checks of settings that only some commands need.
use anyhow::Result;

use super::{
    admission::AdmissionSettings,
    cargo_args::refusal,
    schema::Settings,
    sources::{SettingsSources, contradiction},
};

impl SettingsSources {
    /// Checks settings that are only valid together. Only commands that serve need them to be.
    ///
    /// # Errors
    ///
    /// Returns an error if one is missing: a usage error if the other was given on the command line.
    pub(crate) fn check_pairs(&self) -> Result<()> {
        let has_one_of_tls = |settings: &Settings| settings.tls_cert.is_some() != settings.tls_key.is_some();
        if has_one_of_tls(&self.settings) {
            let is_given = self.given.tls_cert.is_some() || self.given.tls_key.is_some();
            let problem = "TLS requires both a certificate and its private key";
            return Err(contradiction(is_given, problem, "set both `--tls-cert` and `--tls-key`"));
        }
        if self.settings.admission.lacks_keys() {
            let problem = "a JWT issuer, audience or cookie is set, but no key to verify tokens with";
            let hint = "set `--jwt-key-file` or `--jwt-secret-file`";
            return Err(contradiction(self.given.admission.lacks_keys(), problem, hint));
        }
        if self.settings.admission.exposes_cookie() {
            let problem =
                "tokens in a cookie require origins other than `any` and `null`: browsers send cookies for every page";
            let hint = "list the origins that may use the cookie with `--origins`, for example `same-host`";
            let AdmissionSettings { jwt_cookie, origins, .. } = &self.given.admission;
            return Err(contradiction(jwt_cookie.is_some() || origins.is_some(), problem, hint));
        }
        Ok(())
    }

    /// Checks the arguments of cargo. Only commands that build need them to be valid.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them contradicts a build: a usage error if it was given on the command line.
    pub(crate) fn check_cargo_args(&self) -> Result<()> {
        let arguments = &self.settings.build.cargo_args;
        let following = arguments.iter().skip(1).map(Some).chain([None]);
        let refused =
            arguments.iter().zip(following).find_map(|(argument, next)| Some((argument, refusal(argument, next)?)));
        let Some((argument, hint)) = refused else { return Ok(()) };
        let is_given = self.given.build.cargo_args.contains(argument);
        Err(contradiction(is_given, &format!("`{argument}` cannot be passed to cargo"), hint))
    }
}
