"""Spellings that mean another word: phonetic Korean, romanised Korean, contracted English. Tables only.

Sources: the forms collected in the service's domain notes on how adolescents write; reviewed with the rules.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def _pairs(lines: str) -> Mapping[str, str]:
    """``wrong wrong = right`` per line; an underscore stands for a space."""
    table: dict[str, str] = {}
    for line in lines.strip().splitlines():
        wrongs, _, right = line.partition("=")
        for wrong in wrongs.split():
            table[wrong.replace("_", " ")] = right.strip().replace("_", " ")
    return MappingProxyType(table)


PHONETIC: Final = _pairs("""
시퍼 시포 싶퍼 싶포 싶허 시펑 = 싶어
시픔 십다 시따 싶따 = 싶다
싶구 = 싶고
시러 싫러 시렁 싫엉 싫오 = 싫어
시른 = 싫은
주글래 주글레 듀글래 주거야지 = 죽을래
주거버 주거벌 = 죽어버
주거버리 = 죽어버리
주꼬 죽꼬 주코 듁고 쥭고 쥬꼬 죽구 죽거 = 죽고
주글 쥬글 듀글 = 죽을
쥬겠 듁겠 = 죽겠
쥬거 듀거 쥭어 듁어 = 죽어
주거따 = 죽었다
디지고싶 디지고_싶 뒈지고 뒤져버리 = 죽고_싶
뒤지고싶 뒤지고_싶 = 죽고_싶
업서지고 업어지고 없서지고 = 없어지고
살아지고싶 = 사라지고싶
쟈살 짜살 자싷 쟈샬 좌살 쟈쌀 재살하 = 자살
쟈해 짜해하 좌해 = 자해
딥뻬 딥패 댑페 뒵페 뒷페 뒵패 딥훼 딥폐 딮페 디페잌 딥페잌 딥팩 = 딥페
몸켐 몸캄 몸깸 몸켐피싱 몸챔 = 몸캠
협빡 역박 혀빡 협밖 헙박 = 협박
유퍼 유뽀 = 유포
퍼트 퍼뜨 퍼틀 = 퍼뜨
살려죠 살려조 살려됴 살려주새 = 살려줘
도와조 도와죠 도와됴 도아줘 도와주새 도아주세 도와쥬 = 도와줘
무서웡 무서어 무서버 무셔워 무서브 = 무서워
어뜩해 어떠케 어뜨케 어떻게해 어떡게 어떻해 어카지 어쩌케 어뜩하 = 어떡해
찍엇 = 찍었
보넀 보냇 = 보냈
됬 됏 = 됐
햇어 햇는 햇다 = 했어
잇어 잇는 잇다 = 있어
먹엇 머것 머겄 묵었 묵엇 먹어따 = 먹었
무따 묵음 = 먹음
야그먹 약머 약묵 얔먹 = 약먹
뚜드 뚜들 뚜둘 = 두드
헌테 한티 = 한테
인자 인제 = 이제
시방 = 지금
우짜노 우야노 어쩐대 우짜지 우째 어쩐댜 = 어떡해
쌔리 = 때리
뚜까 = 두들겨
도망옴 도망옸 = 도망왔
죽엇 = 죽었
그엇 = 그었
왓어 왓는 왓다 = 왔어
갓어 = 갔어
만낫 = 만났
맞앗 = 맞았
칼루 = 칼로
""")

ROMANISED: Final = _pairs("""
halgeoya halgeo halgeyo = 할거야
oneul = 오늘
jigeum = 지금
banggeum = 방금
yak = 약
meogeosseo meogeosseoyo = 먹었어
jasal jasalhago jasalhal chasal = 자살
jahae jahaehago = 자해
jukgo jugko jukko juggo jukgosipeo jukgosipda jukgosip jukgosipeoyo jugosipo = 죽고싶어
jugeullae jugeulrae juglae = 죽을래
salgisilda salgisileo salgi = 살기싫어
hyeopbak hyupbak hyeobbak hyubbak hyeopbakhae = 협박
momcam momkaem momkem momcamphishing = 몸캠
dipfake dippeikeu dippe = 딥페이크
yupo yupohandae yupodwaesseoyo = 유포
sajin = 사진
yeongsang = 영상
sallyeojuseyo sallyeojwo salryeojwo salyeojuseyo = 살려주세요
dowajuseyo dowajwo = 도와주세요
museowo museoweo museowoyo = 무서워
jip = 집
bakke bakk = 밖에
wasseo watseo wasseoyo wattago = 왔어
ppuryeo ppurindago ppurindae = 뿌린다고
mollaekaemera molka = 몰카
annyeong annyeonghaseyo annyong = 안녕하세요
gamsahamnida gomawo gomawoyo = 고마워요
gyeongchal = 경찰
singo = 신고
eotteokhae eotteokhaeyo otoke = 어떡해
""")

CONTRACTED: Final = _pairs("""
want_to wnat_to wana wannna = wanna
going_to gunna gona boutta bouta about_to abt_to finna fixing_to = gonna
right_now rite_now rightnow atm = rn
i_am iam = im
ive i_ve = i
he_is = hes
she_is = shes
they_are = theyre
it_is = its
do_not dnt don_t = dont
can_not cannot can_t = cant
will_not = wont
did_not didn_t = didnt
is_not isn_t = isnt
my_self mysel myslef = myself
some1 someone_else = someone
pics picture pictures photo photos nudes nude noods n00ds pix = pic
vids video videos = vid
leeked leek leakd = leak
suicid suicde sucide suiside suicidee sewerslide = suicide
becuz bcuz cuz bc coz = because
ppl = people
plz pls plss = please
yr yrs = years
""")

# Words hidden behind their first consonants, or turned round; read so only before what is in brackets.
HIDDEN: Final = MappingProxyType({
    "ㅈㄱ(?= ?[싶시십])": "죽고",
    "ㅈㄱ": "지금",
    "ㅂㄱ": "방금",
    "ㅇㄴ(?=[ 에은이])": "오늘",
    "ㅈㅇ(?= ?[거게래까려뻔것줄수생준용])": "죽을",
    "ㅈㅇ(?= ?[겠러])": "죽이",
    "ㅈㅇ": "죽어",
    "ㅇㅅ(?=[를도]? ?[다썼쓰써쓸남적])": "유서",
    "ㅇㅅ": "옥상",
    "ㅅㅁㅈ": "수면제",
    "ㅅㅁ": "손목",
    "ㅋ(?= ?[들로을도꺼쥐])": "칼",
    "ㅅㅍㅎ": "성폭행",
    "ㄱㄱ(?= ?[당하범한했])": "강간",
    "ㄴㅊ(?= ?[당하돼됐해])": "납치",
    "ㅌㅅ(?= ?[하할])": "투신",
    "ㅈㅅ(?= ?[하할해했생각시충마기])": "자살",
    "ㅈㅎ(?= ?[하할해했함충흉])": "자해",
    "ㅎㅂ(?= ?[당하할해했받중])": "협박",
    "ㅅㄹㅈㅅㅇ|ㅅㄹㅈ": "살려주세요",
    "ㄷㅇㅈㅅㅇ|ㄷㅇㅈ": "도와주세요",
    "살자(?=[하할했해를을도각생충시])": "자살",
    "해자(?=[하할했함해를흉충도])": "자해",
    "고죽(?= ?[싶시])": "죽고",
    "을죽(?= ?[거게래까려뻔것줄수생준용])": "죽을",
    "어죽(?= ?[버야도요])": "죽어",
    "이죽(?= ?[려겠고러])": "죽이",
    "서유(?=[를도]? ?[다썼쓰써쓸남적])": "유서",
    "신투": "투신",
    "행폭성": "성폭행",
    "간강": "강간",
    "치납": "납치",
    "제면수": "수면제",
    "목손": "손목",
    "상옥": "옥상",
    "금지(?![가-힣])": "지금",
})  # fmt: skip
