"""Who may do what in a chat: the hand-written table with which the product is compared.

A row is an action and what it acts upon; a column is a viewer; a cell is `ok` or the code of the
refusal. `-` marks what cannot be set up. The viewers are described in `stage.py`.
"""

# ruff: noqa: E501  the columns

from __future__ import annotations

GROUP = """
action      object    owner             admin             member            newcomer          former     outsider
read        chat      ok                ok                ok                ok                not_found  not_found
read        own       ok                ok                ok                ok                not_found  -
read        hidden    ok                ok                ok                not_found         not_found  not_found
mark_read   chat      ok                ok                ok                ok                not_found  not_found
send        chat      ok                ok                ok                ok                not_found  not_found
type        chat      ok                ok                ok                ok                not_found  not_found
edit        own       ok                ok                ok                ok                not_found  -
edit        others    not_author        not_author        not_author        not_author        not_found  not_found
edit        deleted   message_deleted   message_deleted   message_deleted   message_deleted   not_found  -
edit        late      edit_window_over  edit_window_over  edit_window_over  edit_window_over  not_found  -
edit        hidden    not_author        not_author        not_author        not_found         not_found  not_found
delete      own       ok                ok                ok                ok                not_found  -
delete      others    ok                ok                not_author        not_author        not_found  not_found
delete      late      ok                ok                ok                ok                not_found  -
delete      hidden    ok                ok                not_author        not_found         not_found  not_found
update      chat      ok                ok                not_admin         not_admin         not_found  not_found
add         stranger  ok                ok                not_admin         not_admin         not_found  not_found
remove      member    ok                ok                not_admin         not_admin         not_found  not_found
remove      admin     ok                not_admin         not_admin         not_admin         not_found  not_found
remove      owner     -                 not_admin         not_admin         not_admin         not_found  not_found
remove      stranger  not_found         not_found         not_found         not_found         not_found  not_found
set_role    member    ok                not_owner         not_owner         not_owner         not_found  not_found
set_role    admin     ok                not_owner         not_owner         not_owner         not_found  not_found
set_role    stranger  not_found         not_owner         not_owner         not_owner         not_found  not_found
leave       chat      ok                ok                ok                ok                not_found  not_found
delete_chat chat      ok                not_owner         not_owner         not_owner         not_found  not_found
"""

DIRECT = """
action      object    person                blocker               blocked                 outsider
read        chat      ok                    ok                    ok                      not_found
read        own       ok                    ok                    ok                      -
mark_read   chat      ok                    ok                    ok                      not_found
send        chat      ok                    person_blocked        not_accepting_messages  not_found
type        chat      ok                    dropped               dropped                 not_found
edit        own       ok                    person_blocked        not_accepting_messages  -
edit        others    not_author            not_author            not_author              not_found
edit        deleted   message_deleted       message_deleted       message_deleted         -
edit        late      edit_window_over      person_blocked        not_accepting_messages  -
delete      own       ok                    ok                    ok                      -
delete      others    not_author            not_author            not_author              not_found
delete      late      ok                    ok                    ok                      -
update      chat      direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
add         stranger  direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
remove      other     direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
set_role    other     direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
leave       chat      direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
delete_chat chat      direct_chat_is_fixed  direct_chat_is_fixed  direct_chat_is_fixed    not_found
"""


def cells(text: str) -> dict[tuple[str, str, str], str]:
    """(action, object, viewer) → expected outcome; cells that cannot be set up are left out."""
    head, *rows = [line.split() for line in text.strip().splitlines()]
    return {
        (row[0], row[1], viewer): outcome
        for row in rows
        for viewer, outcome in zip(head[2:], row[2:], strict=True)
        if outcome != "-"
    }


TABLES = {"group": cells(GROUP), "direct": cells(DIRECT)}
