package view

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ordinary texts have no view.
var ordinary = []string{
	"What is the derivative of x^3, and why does 2+2*3 give 8?",
	"Wie lange darf ich ein gekochtes Ei im Kühlschrank aufbewahren? Grüße aus der Straße in Füßen, groß und weiß.",
	"Quelle est la capitale de la France ? L'œuvre de Molière, s'il vous plaît, et « garçon ».",
	"¿Cuánto cuesta el billete de autobús a Málaga el próximo año?",
	"Qual è il modo più veloce per cuocere le lasagne? Perché no?",
	"Não consigo abrir a página do cartão; você pode ajudar a minha irmã?",
	"Kun je de factuur van vorige maand opnieuw sturen, alstublieft? Zoals gezegd: één kopie.",
	"Hvad betyder ordet hygge, og hvorfor er smørrebrød så godt på Bornholm?",
	"Hur många älgar finns det i Sverige, och var är de flesta?",
	"Hyvää huomenta! Mikä on Suomen pääkaupunki ja kuinka monta järveä siellä on?",
	"Dlaczego niebo jest niebieskie? Zażółć gęślą jaźń, proszę.",
	"Jak se řekne česky „dobré ráno“? Příliš žluťoučký kůň úpěl ďábelské ódy.",
	"Miért kék az ég? Árvíztűrő tükörfúrógép.",
	"mol hesabı örnek soru, ısı nasıl yayılır, kırılma açısı nedir, stack overflow hatası neden olur",
	"Почему небо голубое и сколько ему лет? Расскажи о роли СССР в космосе, a также про Wi-Fi и USB-кабель.",
	"Чому вода мокра? Які є типи хмар у Києві?",
	"Γιατί ο ουρανός είναι μπλε; Η τιμή του α είναι 3 και το β είναι 5.",
	"Ինչու է երկինքը կապույտ։ Որտեղ է Երևանը։",
	"למה השמיים כחולים? \u200fשלום Windows 11\u200e ותודה.",
	"لماذا السماء زرقاء؟ اكتب رسالة إلى example.com من فضلك.",
	"می\u200cخواهم بدانم چرا آسمان آبی است؛ کتاب\u200cها را می\u200cخوانم.",
	"आसमान नीला क्यों है? क्\u200dष और र्\u200dय कैसे लिखते हैं?",
	"আকাশ নীল কেন? বাংলায় লিখুন।",
	"ทำไมท้องฟ้าถึงเป็นสีฟ้า กรุณา\u200bอธิบาย\u200bให้ฟัง",
	"Tại sao bầu trời có màu xanh? Tiếng Việt có nhiều dấu: ế ộ ữ ặ.",
	"Ta\u0323i sao ba\u0302\u0300u tro\u031b\u0300i co\u0301 ma\u0300u xanh? Tie\u0302\u0301ng Vie\u0323\u0302t",
	"天空为什么是蓝色的？请用ＡＢＣ三个选项回答。",
	"空はなぜ青いのですか？ＮＨＫの番組とＩＤを教えて。ﾊﾝｶｸ",
	"하늘은 왜 파란가요? 한글과 English를 섞어서 씁니다.",
	"Kwa nini anga ni bluu? Mengapa langit berwarna biru?",
	"👋🏽 René 👨‍👩‍👧‍👦 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f 🇺🇸🇫🇷🇩🇪 1️⃣ ❤️ great🎉 job😀well done",
	"Let 𝑓(𝑥) = 𝑥² + Δx, ∑αᵢβᵢ ≤ λ‖v‖₂, ρgh, µm, Ωm, κ = νt and ½ × ℝ³.",
	"/ˈɪntərəst/ rhymes with nothing; ɡ and ʃ are letters of the IPA: [ɪˈnɡluːd].",
	"mp3, utf8mb4, i18n, k8s, b2b, h264, x86_64, sha256, python3, v2.1, 3rd, 4th, 10km, 5min, COVID19, R2D2, C3PO",
	"Use int8, uint32, float64, base64 and md5 in go1.26; 2fa, p2p, s3, ec2, h2o, co2, 4x4 and 24h7.",
	"commit 75a8238c874948354243c92eed7fcfa0a8d2a58b, id 550e8400-e29b-41d4-a716-446655440000, MAC 59:6c:6b:d1:b5:4f",
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 and 2001:0db8:85a3:0000:0000:8a2e:0370:7334",
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
	"Authorization: Basic dXNlcjpwYXNzd29yZA== and key AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl user@host",
	"https://example.com/a%20b/c?q=caf%C3%A9&r=1%2B1 and https://ru.wikipedia.org/wiki/%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0",
	"/usr/local/lib/python3.12/site-packages/internationalization/AbstractSingletonProxyFactoryBean.java",
	"func (s *Server) handleRequest(ctx context.Context, w http.ResponseWriter) error { return s.tryAgain(ctx, &w) }",
	"SELECT u.id, COUNT(*) FROM users u JOIN orders o ON o.user_id = u.id WHERE a = 'x' GROUP BY 1;",
	"2026-03-24T14:55:00Z ERR [worker-3] conn 10.1.2.3:443 reset \\x1b[31mred\\x1b[0m \\u00e9t\\u00e9 took=12ms",
	"| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n\n- one\n- two\n---\n. . . and so on ...",
	"A. 5\nB. 3\nC. 2\nD. 4\nE. 7\nF. 2\nG. 9\nH. 8\nI. 4\nJ. 1",
	"S.M.A.R.T. goals by J.R.R. Tolkien in the U.S.A., e.g. R N B Q K B N R, A B C D E F G H, x y z w v u",
	"10101 and 0110; the byte 01000001; 1 0 1 1 0; phone 555 123 4567; 61 62 63 64 65 66 67 68 69 70",
	"AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:N means what? \"Hello, \" + name + \"!\" + '\\n'",
	"<ul><li>One</li><li>Two</li></ul> &amp; &lt;b&gt;bold&lt;/b&gt; &nbsp; it&#39;s &#169; 2026 **bold** and `code`",
	"Q: kJ\nA. - 340.8 kJ\nB. - 570.0 kJ\nC. + 68.32 kJ\nD. + 285.9 kJ\nE. - 282.2 kJ\nF. - 150.5 kJ",
	"Ein Be\u00addienungs\u00adtext aus einem Buch\n\n\ufeffwith a byte order mark and a no\u00a0break space",
	"", " ", "a", "OK", "\n\n\n", "?!", "😀", "é",
}

func TestOrdinary(t *testing.T) {
	for _, s := range ordinary {
		for _, v := range Find(nil, s) {
			t.Errorf("%q has a view %s: %q", s, v.Name, v.Text)
		}
	}
}

// TestAllocations: a text without views costs no memory.
func TestAllocations(t *testing.T) {
	all := strings.Join(ordinary, "\n")
	dst := make([]View, 0, Most)
	for _, s := range append(ordinary, all) {
		if strings.Contains(s, "eyJ") || strings.Contains(s, "Basic") {
			continue // base64 that is decoded to be judged
		}
		if n := testing.AllocsPerRun(5, func() { dst = Find(dst[:0], s) }); n != 0 && len(dst) == 0 {
			t.Errorf("%v allocations for %.60q", n, s)
		}
	}
}

func TestProbes(t *testing.T) {
	data, err := os.ReadFile("../../shared/data/probes.txt")
	if err != nil {
		data, err = os.ReadFile("../../../shared/data/probes.txt")
	}
	if err != nil {
		t.Skip("shared/data/probes.txt is absent")
	}
	for _, s := range strings.Split(string(data), "\n%%\n") {
		for _, v := range Find(nil, s) {
			t.Errorf("%.200q has a view %s: %.200q", s, v.Name, v.Text)
		}
	}
}

// TestShare measures how many benign texts of the data sets have a view. The
// data of guards holds encoded texts on purpose: those of that family are not
// counted.
func TestShare(t *testing.T) {
	files, _ := filepath.Glob("../../train/data/*.jsonl")
	for _, dir := range []string{"../../shared/data", "../../../shared/data"} {
		shared, _ := filepath.Glob(dir + "/*.jsonl.gz")
		files = append(files, shared...)
	}
	if len(files) == 0 {
		t.Skip("no data sets in train/data or shared/data")
	}
	for _, file := range files {
		texts := benign(t, file)
		found, size := 0, 0
		names := map[string]int{}
		start := time.Now()
		var dst []View
		for _, s := range texts {
			dst = Find(dst[:0], s)
			size += len(s)
			found += btoi(len(dst) > 0)
			for _, v := range dst {
				names[v.Name]++
			}
			check(t, s, dst)
		}
		if len(texts) == 0 {
			continue
		}
		share := float64(found) / float64(len(texts))
		t.Logf("%s: %d of %d texts (%.2f %%) have a view, %v; %.0f µs a KB", filepath.Base(file), found, len(texts), 100*share, names,
			float64(time.Since(start).Microseconds())/(float64(size)/1024))
		if share > 0.02 {
			t.Errorf("%s: %.1f %% of the benign texts have a view", file, 100*share)
		}
	}
}

// benign are the texts of a file of JSON lines that are no attacks.
func benign(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	var texts []string
	for lines.Scan() {
		var row struct {
			Text, Source string
			Label        any
		}
		if json.Unmarshal(lines.Bytes(), &row) == nil && fmt.Sprint(row.Label) != "1" && row.Source != "encodings_benign" {
			texts = append(texts, row.Text)
		}
	}
	return texts
}
