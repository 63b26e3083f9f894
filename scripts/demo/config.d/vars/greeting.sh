# What is said; sourced before every script of this job.
export GREETING="Hello"
