# Functions of this job; sourced before every script.
function Get-Greeting([string] $Name) {
  "Hello, $Name!"
}
