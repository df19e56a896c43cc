//! The shared network vocabulary: typed models, keys, references and their schemas.
