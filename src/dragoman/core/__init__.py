"""The core decides. It holds all rules and all SQL, and has never heard of HTTP, JSON or any product."""
