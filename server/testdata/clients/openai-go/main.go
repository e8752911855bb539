// Program openai-go has OpenAI's client for Go, unchanged, ask the gateway at
// MOM_BASE.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

const text = "Grüße from Paris."

var (
	ctx    = context.Background()
	client = openai.NewClient(option.WithBaseURL(os.Getenv("MOM_BASE")+"/v1"), option.WithAPIKey(os.Getenv("MOM_KEY")), option.WithMaxRetries(0))
)

func check(what string, good bool, seen ...any) {
	if !good {
		fmt.Fprintln(os.Stderr, what+":", seen)
		os.Exit(1)
	}
	fmt.Println("ok", what)
}

func say(content string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "best", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)}}
}

func refused(what string, status int, code string, err error) {
	var e *openai.Error
	check(what, errors.As(err, &e) && e.StatusCode == status && (code == "" || e.Code == code), err)
}

func main() {
	fmt.Println("openai-go")
	models, err := client.Models.List(ctx)
	check("models", err == nil && len(models.Data) > 3, err)

	a, err := client.Chat.Completions.New(ctx, say("hello"))
	check("chat", err == nil && a.Choices[0].Message.Content == text && a.Usage.TotalTokens == 28, err)
	stream := client.Chat.Completions.NewStreaming(ctx, say("hello"))
	sum := openai.ChatCompletionAccumulator{}
	events := 0
	for stream.Next() {
		sum.AddChunk(stream.Current())
		events++
	}
	check("stream", stream.Err() == nil && events > 4 && sum.Choices[0].Message.Content == text, stream.Err(), events)
	ask := say("weather in Paris?")
	ask.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "weather", Parameters: openai.FunctionParameters{"type": "object"}})}
	a, err = client.Chat.Completions.New(ctx, ask)
	check("tool", err == nil && a.Choices[0].Message.ToolCalls[0].Function.Name == "weather", err)
	ask.Messages = append(ask.Messages, a.Choices[0].Message.ToParam(), openai.ToolMessage("sunny", a.Choices[0].Message.ToolCalls[0].ID))
	a, err = client.Chat.Completions.New(ctx, ask)
	check("tool's result", err == nil && a.Choices[0].Message.Content == text, err)
	ask = say("where?")
	ask.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{
		JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "city", Schema: map[string]any{"type": "object"}, Strict: openai.Bool(true)},
	}}
	a, err = client.Chat.Completions.New(ctx, ask)
	check("structured output", err == nil && strings.Contains(a.Choices[0].Message.Content, "2102650"), err)

	done, err := client.Completions.New(ctx, openai.CompletionNewParams{Model: "best", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("say")}})
	check("completion", err == nil && done.Choices[0].Text == text, err)
	r, err := client.Responses.New(ctx, responses.ResponseNewParams{Model: "best", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")}})
	check("response", err == nil && r.OutputText() == text, err)
	rs := client.Responses.NewStreaming(ctx, responses.ResponseNewParams{Model: "best", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")}})
	var said strings.Builder
	last := ""
	for rs.Next() {
		e := rs.Current()
		last = e.Type
		if e.Type == "response.output_text.delta" {
			said.WriteString(e.Delta)
		}
	}
	check("response, stream", rs.Err() == nil && said.String() == text && last == "response.completed", rs.Err(), last)
	v, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: "embed-1", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"ab", "abc"}}})
	check("embeddings", err == nil && len(v.Data) == 2 && v.Data[1].Embedding[0] == 3, err)
	m, err := client.Moderations.New(ctx, openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfString: openai.String("an attack")}})
	check("moderations", err == nil && m.Results[0].Flagged, err)

	fail := func(content string) error { _, err := client.Chat.Completions.New(ctx, say(content)); return err }
	refused("blocked", 403, "content_blocked", fail("an attack"))
	refused("refused upstream", 400, "invalid_value", fail("please refuse"))
	refused("limited upstream", 429, "rate_limit_exceeded", fail("please limit"))
	refused("failing upstream", 500, "", fail("please fail"))
	_, err = client.Models.List(ctx, option.WithAPIKey("sk-wrong"))
	refused("wrong key", 401, "invalid_api_key", err)
	cut := client.Chat.Completions.NewStreaming(ctx, say("please cut"))
	for cut.Next() {
	}
	check("cut", cut.Err() != nil && strings.Contains(cut.Err().Error(), "closed the connection"), cut.Err())
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = client.Chat.Completions.New(short, say("please hang"))
	check("timeout", errors.Is(err, context.DeadlineExceeded), err)
	fmt.Println("gone")
	left := client.Chat.Completions.NewStreaming(ctx, say("please stop"))
	check("first event", left.Next(), left.Err())
	left.Close()
	fmt.Println("gone")
}
