"""Patterns for links and mentions in messages. `js/words.js` has the same ones."""

import re

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,:;!?)\]}»]")
MENTION = re.compile(r"(?<![\w@./])@([A-Za-z][A-Za-z0-9_.]{2,31})(?![A-Za-z0-9_@])")
