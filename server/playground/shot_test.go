package playground

import (
	"bytes"
	"image/png"
	"os"

	cdppage "github.com/chromedp/cdproto/page"
)

// shoot writes a picture of the playground to a file, when there is one. It
// is small enough for a README.
func (b *tab) shoot(file string) {
	b.t.Helper()
	const width, limit = 1280, 300_000
	height := eval[float64](b, `Math.ceil(document.querySelector('#try').getBoundingClientRect().bottom + scrollY) + 24`)
	yes := true
	data := command(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
		Format: "png", CaptureBeyondViewport: &yes, Clip: &cdppage.Viewport{Width: width, Height: height, Scale: 1},
	}).Data
	if c, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != width || len(data) > limit {
		b.t.Errorf("the picture: %d wide, %d bytes: %v", c.Width, len(data), err)
	}
	if file == "" {
		return
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
