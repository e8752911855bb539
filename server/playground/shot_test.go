package playground

import (
	"bytes"
	"flag"
	"image/png"
	"os"

	cdppage "github.com/chromedp/cdproto/page"
)

var (
	shotFile = flag.String("screenshot", "", "write a picture of the page against the real server to `FILE`")
	shotSize = 300 << 10 // bytes at most, for the README
)

// shoot takes a picture of the page's first height pixels.
func (b *tab) shoot(width, height float64) []byte {
	b.t.Helper()
	yes := true
	data := command(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
		Format: "png", CaptureBeyondViewport: &yes, Clip: &cdppage.Viewport{Width: width, Height: height, Scale: 1},
	}).Data
	if c, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width < 300 {
		b.t.Fatalf("no picture: %v", err)
	}
	return data
}

// save writes a picture to a file of the environment, for looking at it.
func (b *tab) save(file string, data []byte) {
	b.t.Helper()
	if len(data) > shotSize {
		b.t.Errorf("the picture has %d bytes", len(data))
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
