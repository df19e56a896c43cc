//! What a run came to, and what a connection test found.
