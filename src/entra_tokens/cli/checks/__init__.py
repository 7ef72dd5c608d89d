"""What `doctor` looks at: each check a function that returns findings, and prints nothing."""
