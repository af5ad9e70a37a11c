"""Kinds of facts in a message: platform, address, deadline, amount, meeting, age, relation, injury.

Patterns, nothing learned. Pure, standard library only.
"""

from __future__ import annotations

import re
from typing import Any

_NUMBER = "(?:[0-9]+|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|열한|열두|몇)"
_EN_NUMBER = "(?:[0-9]+|an?|one|two|three|four|five|six|ten|twelve|few)"

# Kind: Korean, English. Words with more than one common meaning need a neighbour that tells which.
_PATTERNS = {
    "platform": (
        "인스타|페북|페이스북|페메|트위터|텔레그램|텔그|텔방|카톡|카카오톡|오픈채팅|오카방|디스코드|디코|라인으로|"
        "스냅챗|스냅|틱톡|유튜브|에브리타임|에타|로블록스|마인크래프트|제페토|랜덤채팅|랜챗|틴더|에스크|당근|트위치",
        r"instagram|insta|facebook|twitter|telegram|kakao(?:talk)?|discord|snap(?:chat)?|tiktok|youtube|roblox|"
        r"minecraft|omegle|tinder|whatsapp|twitch|reddit",
    ),
    "url": (r"(?:https?://|www\.)\S+|\b[a-z0-9-]+\.(?:com|net|org|kr|io|me|gg|tv|xyz|cc|ru)\b(?:/\S*)?", ""),
    "deadline": (
        f"{_NUMBER} ?(?:분|시간|일) ?(?:안|이내|내)에|(?:오늘|내일|모레|자정|아침|저녁|밤|새벽|주말|[월화수목금토일]요일|"
        r"[0-9]+시)까지|시간(?:을)? ?(?:준대|줬|준다)|마감|카운트 ?다운",
        rf"\b(?:by|before|until|till?) (?:tonight|midnight|noon|tomorrow|morning|the weekend|\w+day|[0-9]+)\b|"
        rf"\b(?:in|within) (?:the next )?{_EN_NUMBER} (?:min\w*|hours?|hrs?|days?)\b|"
        rf"\bgave me {_EN_NUMBER} (?:min\w*|hours?|hrs?|days?)|deadline",
    ),
    "amount": (
        r"[0-9][0-9,.]* ?(?:만|천|백)? ?원|(?:[0-9]+|오|십|이십|삼십|오십|백|이백|삼백|오백|천) ?만 ?원?(?= |$|을|이|어치|달|보내|줘|내)|"
        "문상|문화상품권|기프티콘|상품권|비트코인|별풍선",
        r"[$€£₩] ?[0-9][0-9,.]*|\b[0-9][0-9,.]* ?(?:dollars|bucks|won|usd|krw|euros?)\b|gift ?cards?|bitcoin|crypto",
    ),
    "meeting_place": (
        "(?:집|학교|학원|역|교문|정문|후문|편의점|카페|놀이터|공원|모텔|호텔|피시방|[Pp][Cc]방|노래방|터미널|주차장|버스정류장|정류장) ?"
        "(?:앞|뒤|옆|근처|안)?(?:에서|으로|로) ?(?:만나|보자|보재|보기|나오|기다|오라|오래|와)",
        r"\b(?:meet|wait|come|pick me up|see me)\w*\b[^.?!]{0,20}\b(?:at|outside|in front of|near|behind|to) (?:the |my |his |her |a )?"
        r"(?:station|school|mall|park|hotel|motel|house|place|store|cafe|gate|parking lot|parking garage|bus stop|apartment)\b",
    ),
    "meeting_time": (
        f"(?:오늘|내일|모레|이따|주말|[월화수목금토일]요일|{_NUMBER} ?시(?: ?반)?|{_NUMBER} ?시간 ?뒤)(?:에|쯤)? ?"
        "[^.?!\n]{0,14}?(?:만나|보기로|보재|보자|데리러|나오래|오래)",
        r"\b(?:meet\w*|pick\w* me up|see(?:ing)? (?:him|her|them))\b[^.?!]{0,24}\b(?:tonight|today|tomorrow|\w+day|at [0-9]+|"
        r"in an? hour|this weekend|next week|later)\b|\b(?:tonight|tomorrow|\w+day) (?:i|we)(?:'m|'re| am| are)? meet\w*",
    ),
    "age_band": (
        "(?:초|중|고) ?[1-6](?![0-9])|초딩|중딩|고딩|초등학생|중학생|고등학생|(?:만 ?)?[0-9]{1,2} ?(?:살|세)(?![0-9])|"
        "(?:열|열한|열두|열세|열네|열다섯|열여섯|열일곱|열여덟|열아홉|스무|스물\\S?|서른\\S?|마흔) ?살|미성년자|촉법",
        r"\b(?:i'?m|im|i am|he'?s|hes|she'?s|shes|is|age|aged|turned|says he'?s) [0-9]{1,2}\b(?! ?(?:min|hour|km|%))|"
        r"\b[0-9]{1,2} ?(?:years? old|yo|y/o)\b|\b(?:[5-9]|1[0-2])th grade(?:r)?\b|\bminor\b",
    ),
    "relation": (
        "(?:전 ?)?남친|(?:전 ?)?여친|(?:전 ?)?남자 ?친구|(?:전 ?)?여자 ?친구|새아빠|새엄마|의붓|아빠|엄마|아버지|어머니|삼촌|이모부|고모부|"
        "사촌|오빠|언니|누나|형이|형한테|선배|후배|선생님|쌤이|쌤한테|담임|과외쌤|학원쌤|코치|감독님?|목사|전도사|아저씨|사장님?",
        r"\b(?:ex(?:-?(?:bf|gf|boyfriend|girlfriend))?|boyfriend|girlfriend|bf|gf|step ?(?:dad|father|mom|mother|brother)|dad|father|mom|mum|"
        r"mother|uncle|cousin|brother|sister|teacher|coach|tutor|pastor|boss|neighbou?r|classmate|roommate)\b",
    ),
    "injury": (
        "피가? ?(?:나|안 ?멈|흘|계속|많이|뚝뚝)|피투성이|지혈|상처|멍이? ?(?:들|났)|부러(?:졌|진)|기절|의식이? ?(?:없|잃)|토했|어지러|"
        "화상(?!통|채|수업|회의)|그었|꿰매|찢어졌|아파서 ?못",
        r"\bbleed\w*|\bblood\b|\bbruis\w+|\bwound\w*|\bbroken (?:arm|leg|nose|rib|finger)\b|\bpassed out\b|\bunconscious\b|"
        r"\boverdos\w+|\bdizzy\b|\bstitches\b|\bburn(?:ed|t) (?:my|her|his)\b|\bcut (?:my|myself)\b",
    ),
}  # fmt: skip
KINDS = tuple(_PATTERNS)
_COMPILED = tuple(
    (kind, re.compile("|".join(one for one in both if one), re.IGNORECASE))
    for kind, both in _PATTERNS.items()
)
_MOST = 16  # of one message
_LONGEST = 600  # characters; what comes after is not searched


def marks(text: str) -> list[dict[str, Any]]:
    """The first facts of a text: kind, and where it stands."""
    text = text[:_LONGEST]
    found = [
        {"entity": kind, "start": one.start(), "end": one.end(), "value": kind, "extractor": "KindExtractor"}
        for kind, pattern in _COMPILED
        for one in pattern.finditer(text)
    ]
    return sorted(found, key=lambda mark: (mark["start"], mark["entity"]))[:_MOST]
