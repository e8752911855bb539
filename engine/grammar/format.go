package grammar

// formats are the values of "format" that an automaton can hold, as patterns. Some
// hold a part only of what their format allows: e-mail addresses and hosts in
// ASCII, IPv6 addresses with all their groups, URIs of the web without escapes. No
// second is the 60th.
var formats = map[string]string{
	"date":      date,
	"time":      clock,
	"date-time": date + "T" + clock,
	"duration":  `P([0-9]{1,4}W|([0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?|[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}D)(` + hours + `)?|` + hours + `)`,
	"email":     `[A-Za-z0-9_+-]{1,30}(\.[A-Za-z0-9_+-]{1,30})?@(` + label + `\.){1,3}[A-Za-z]{2,12}`,
	"hostname":  `(` + label + `\.){0,3}` + label,
	"ipv4":      octet + `(\.` + octet + `){3}`,
	"ipv6":      `[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}`,
	"uri":       `https?://(` + label + `\.){1,3}[A-Za-z]{2,12}(/[A-Za-z0-9._~-]{1,30}){0,4}/?(\?[A-Za-z0-9._~=&-]{1,60})?`,
	"uuid":      `[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`,
}

const (
	date = `([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` + leap + `-02-29)`
	leap = `([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`

	clock = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])`
	hours = `T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S)`
	label = `[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?`
	octet = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
)
