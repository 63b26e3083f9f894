# PowerShell completion for muster: add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName muster, flwd -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.ToString() }
    })
    $program = $words[0]
    # Before 7.3 an empty word is not handed on unless it stands in quotes of its own.
    if ($wordToComplete -eq '') { $words += $(if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' }) }
    $rest = @($words | Select-Object -Skip 1)
    & $program __complete $rest.Count @rest 2>$null | ForEach-Object {
        $c = $_ | ConvertFrom-Json
        $text = $c.insert
        if ($text -match '[^\w\-.:=/+]') { $text = "'" + $text.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $c.insert, 'ParameterValue', $c.display)
    }
}
