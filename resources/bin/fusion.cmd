@echo off
rem Fusion's command line, run by the Node that comes with Fusion.
setlocal
set "FUSION_RESOURCES=%~dp0.."
for /d %%n in ("%FUSION_RESOURCES%\app.asar.unpacked\node_modules\node-win-*") do "%%n\bin\node.exe" "%FUSION_RESOURCES%\app.asar.unpacked\out\command-line\main.js" %*
exit /b %ERRORLEVEL%
