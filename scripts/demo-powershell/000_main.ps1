# Greets. By hand: pwsh -Command '. scripts/demo-powershell/config.d/libs/Greeting.ps1; scripts/demo-powershell/000_main.ps1'
$ErrorActionPreference = 'Stop'
$name = if ($env:ARG_NAME) { $env:ARG_NAME } else { 'world' }
Write-Output (Get-Greeting $name)
