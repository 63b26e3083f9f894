# PowerShell completion for muster: add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName muster, flwd -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $program = $words[0]
    if ($wordToComplete -eq '') { $words += '' }
    $rest = @($words | Select-Object -Skip 1)
    & $program __complete $rest.Count @rest 2>$null | ForEach-Object {
        $c = $_ | ConvertFrom-Json
        [System.Management.Automation.CompletionResult]::new($c.insert, $c.insert, 'ParameterValue', $c.display)
    }
}
