"""Traditional Chinese characters of the vocabulary, converted to simplified ones before a text is cut into words."""

_TRADITIONAL = (
    "並來倆個們側傘僅兒內兩冊別剋卻叢噴園圖壘宮寫寶對幾廚廳張從愛戰掛擺數於時曉曏書東條棟極榦樹機檯櫚氣氫"
    "沒淺漁潔濃濱灘為烏無熱燈爲獨現畫畵盃盞眾硃碩禮筆箇箏籠紅純紙細絕絶綠綫綵緑線羅羣臥臺與萬葉藍蘋蘭處蠟"
    "衆裏裡襬見託記許該說説變貓車輛輪轎這遊過還邊鈅鈴鉛銀鎖鎭鎮鐘鐺鑰間陣陰陽隻雙雛雲霧頂頭顆顯風飄飛馬鬥"
    "鬧鬱魚鮮鳥鳶鴨鴿鷗鷹麪麫麵麼麽黃龐龜鍾"
)
_SIMPLIFIED = (
    "并来俩个们侧伞仅儿内两册别克却丛喷园图垒宫写宝对几厨厅张从爱战挂摆数于时晓向书东条栋极干树机台榈气氢"
    "没浅渔洁浓滨滩为乌无热灯为独现画画杯盏众朱硕礼笔个筝笼红纯纸细绝绝绿线彩绿线罗群卧台与万叶蓝苹兰处蜡"
    "众里里摆见托记许该说说变猫车辆轮轿这游过还边钥铃铅银锁镇镇钟铛钥间阵阴阳只双雏云雾顶头颗显风飘飞马斗"
    "闹郁鱼鲜鸟鸢鸭鸽鸥鹰面面面么么黄庞龟钟"
)
_TABLE = str.maketrans(_TRADITIONAL, _SIMPLIFIED)


def simplified(text: str) -> str:
    """Returns a text with the traditional characters that the vocabulary needs replaced by simplified ones.

    One character becomes one character, so positions stay. The table covers the vocabulary and no more: it was made
    with the character table of OpenCC, and a test holds it against the vocabulary.
    """
    return text.translate(_TABLE)
