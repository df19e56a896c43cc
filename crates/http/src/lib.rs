//! What every HTTP connector needs once: retries, pacing, TLS, redaction, recording.
