"""What is found in people's texts: addresses and names. `js/words.js` finds the same."""

import re

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,:;!?)\]}»]")
MENTION = re.compile(r"(?<![\w@./])@([A-Za-z][A-Za-z0-9_.]{2,31})(?![A-Za-z0-9_@])")
