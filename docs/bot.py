#!/usr/bin/env python3
"""Answers !ping in a roomcast room: docs/bot.py HOST PORT"""
import json, socket, sys

room = socket.create_connection((sys.argv[1], int(sys.argv[2])))
room.sendall(b"/nick pingbot\n/format json\n")
for line in room.makefile(encoding="utf-8"):
    line = json.loads(line) if line.startswith("{") else {}
    if line.get("kind") == "said" and line["text"] == "!ping":
        room.sendall(f"pong, {line['from']} (line {line['seq']})\n".encode())
