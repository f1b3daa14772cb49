#!/usr/bin/env bash
# Answers !time in a roomcast room: docs/bot.sh HOST PORT
set -euo pipefail
exec 3<>"/dev/tcp/$1/$2"
printf '/timestamps off\n/nick timebot\n' >&3
while IFS= read -r line <&3; do
    case $line in
    '<'*'> !time') echo "it is $(date -u +%H:%M) UTC" >&3 ;;
    esac
done
