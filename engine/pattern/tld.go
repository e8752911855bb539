package pattern

// A tldKind says what else a label can be than a top-level domain.
type tldKind uint8

const (
	certain   tldKind = iota // hardly anything
	common                   // a word or a member of a program: more has to speak for a host
	ambiguous                // the suffix of files: only a URL or www makes it a host
)

// tldOf looks a label up among the most frequent top-level domains.
func tldOf(label string) (kind tldKind, known bool) {
	var buf [24]byte
	kind, known = tlds[string(lower(buf[:], label))]
	return kind, known
}

// isFileName reports whether a label is the suffix of files that are seen after
// an '@', as in logo@2x.png.
func isFileName(label string) bool {
	var buf [24]byte
	switch string(lower(buf[:], label)) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "txt", "js", "ts", "css", "html", "json", "yaml", "yml", "xml", "service", "exe", "dll", "go", "java":
		return true
	}
	return false
}

var tlds = map[string]tldKind{
	"com": certain, "org": certain, "net": certain, "edu": certain, "gov": certain, "mil": certain, "int": common,
	"info": common, "biz": certain, "name": common, "mobi": certain, "pro": common, "aero": certain, "museum": common,
	"jobs": common, "travel": common, "tel": common, "cat": common, "coop": certain, "asia": certain, "eu": certain,
	"io": certain, "ai": common, "app": common, "dev": common, "tech": common, "online": common, "site": common,
	"store": common, "shop": common, "xyz": common, "club": common, "blog": common, "cloud": common, "live": common,
	"news": common, "media": common, "agency": common, "digital": common, "email": common, "world": common,
	"global": common, "health": common, "bank": common, "law": common, "space": common, "website": common,
	"top": common, "win": common, "vip": common, "icu": common, "work": common, "link": common, "page": common,
	"art": common, "design": common, "studio": common, "group": common, "team": common, "today": common, "life": common,
	"solutions": common, "services": common, "company": common, "center": common, "academy": common, "support": common,
	"network": common, "systems": common, "software": common, "finance": common, "london": common, "berlin": common,
	"paris": common, "nyc": certain, "zone": common, "run": common, "tv": certain, "me": common, "co": certain,
	// Countries whose code is nothing else.
	"de": certain, "fr": certain, "uk": certain, "nl": certain, "ch": certain, "es": certain, "dk": certain, "se": certain,
	"fi": certain, "cz": certain, "hu": certain, "gr": certain, "pt": certain, "ie": certain, "ru": certain, "ua": certain,
	"jp": certain, "cn": certain, "kr": certain, "tw": certain, "hk": certain, "sg": certain, "au": certain, "nz": certain,
	"br": common, "mx": certain, "ar": certain, "cl": certain, "ca": certain, "za": certain, "ae": certain, "sa": certain,
	"il": certain, "ir": certain, "tr": certain, "bg": certain, "hr": certain, "sk": certain, "ee": certain, "lv": certain,
	"lt": certain, "lu": certain, "cy": certain, "mt": certain, "by": common, "kz": certain, "ge": certain, "ng": certain,
	"ke": certain, "eg": certain, "tn": certain, "gh": certain, "vn": certain, "th": certain, "ph": certain, "pk": certain,
	"bd": certain, "lk": certain, "np": certain, "uy": certain, "ve": certain, "ec": certain, "bo": certain, "cr": certain,
	"рф": certain, "xn--p1ai": certain,
	// Countries whose code is a word, a member of a program or an abbreviation.
	"it": common, "be": common, "at": common, "no": common, "is": common, "in": common, "us": common, "to": common,
	"my": common, "id": common, "ma": common, "si": common, "ro": common, "la": common, "am": common, "fm": common,
	"ly": common, "gl": common, "gg": common, "li": common, "im": common, "nu": common, "su": common, "tk": common,
	"ws": common, "vc": common, "as": common, "do": common, "so": common, "ps": common, "st": common, "al": common,
	"pe": common, "sn": common, "pa": common, "py": ambiguous, "sh": ambiguous, "rs": ambiguous, "md": ambiguous,
	"pl": ambiguous, "cc": ambiguous, "ml": ambiguous, "mk": ambiguous, "zip": ambiguous, "mov": ambiguous,
	"cs": ambiguous, "vb": ambiguous, "ms": common, "tf": ambiguous, "sc": common, "ba": common, "dz": certain,
}
