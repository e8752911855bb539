"""Short prompts around a term of a field: what a request is about is often said by one word alone.

data/glossary.json: {label: {language: [terms]}}, written for this project. A frame puts terms into a request as people type it.
"""

import functools
import json
import os

from data import HERE

# {} is a term, {2} a second one of the same field.
FRAMES = {
    "en": ["{}", "{}?", "what is {}", "whats {}", "explain {}", "explain {} like i'm 12", "{} explained", "{} example", "example of {} pls",
           "{} in simple words", "define {}", "difference between {} and {2}", "{} vs {2}", "how does {} work", "who came up with {}",
           "why does {} matter", "summary of {}", "notes on {} for tomorrow's exam", "I don't get {}", "give me 3 questions on {}",
           "Write a short paragraph about {}.", "Could you walk me through {}?", "what did my teacher mean by {}", "is {} the same as {2}?",
           "flashcards: {}, {2}", "history and meaning of {}", "we covered {} today and I'm lost", "Can you compare {} with {2} in a table?",
           "best book on {}", "a poem about {}", "quiz me on {}", "when would you use {}", "five facts about {}", "{} for dummies",
           "tell me about {} and how it relates to {2}", "critique of {}", "a limerick on {}", "common mistakes with {}", "{} - how come?"],
    "es": ["{}", "qué es {}", "explícame {}", "{} ejemplo", "diferencia entre {} y {2}", "para qué sirve {}", "resumen de {}", "no entiendo {}"],
    "fr": ["{}", "c'est quoi {}", "explique {}", "{} exemple", "différence entre {} et {2}", "à quoi sert {}", "résumé sur {}", "je comprends pas {}"],
    "de": ["{}", "was ist {}", "erklär mir {}", "{} Beispiel", "Unterschied {} und {2}", "wozu braucht man {}", "Zusammenfassung {}", "ich versteh {} nicht"],
    "it": ["{}", "cos'è {}", "spiegami {}", "{} esempio", "differenza tra {} e {2}", "a cosa serve {}", "riassunto su {}", "non capisco {}"],
    "pt": ["{}", "o que é {}", "explica {}", "{} exemplo", "diferença entre {} e {2}", "para que serve {}", "resumo de {}", "não entendo {}"],
    "nl": ["{}", "wat is {}", "leg {} uit", "{} voorbeeld", "verschil tussen {} en {2}", "waar is {} goed voor", "samenvatting {}", "ik snap {} niet"],
    "pl": ["{}", "{} co to", "wyjaśnij: {}", "{} przykład", "{} a {2}, różnica", "{} w skrócie", "nie rozumiem: {}"],
    "ru": ["{}", "что такое {}", "объясни: {}", "{} пример", "{} и {2} разница", "{} кратко", "не понимаю {}"],
    "tr": ["{}", "{} nedir", "{} ne demek", "{} örnek", "{} ile {2} arasındaki fark", "{} kısaca", "{} konusunu anlamadım"],
    "ar": ["{}", "ما هو {}", "اشرح {}", "مثال على {}", "الفرق بين {} و{2}", "ملخص عن {}"],
    "hi": ["{}", "{} क्या है", "{} समझाओ", "{} का उदाहरण", "{} और {2} में अंतर", "{} kya hota hai"],
    "ja": ["{}", "{}とは", "{}を説明して", "{}の例", "{}と{2}の違い", "{}がわからない"],
    "ko": ["{}", "{}란 무엇인가요", "{} 설명해줘", "{} 예시", "{}와 {2} 차이", "{} 요약"],
    "zh": ["{}", "什么是{}", "解释一下{}", "{}的例子", "{}和{2}的区别", "{}怎么理解"],
    "vi": ["{}", "{} là gì", "giải thích {}", "ví dụ về {}", "{} khác {2} thế nào", "tóm tắt {}"],
}


@functools.lru_cache(None)
def terms():
    with open(os.path.join(HERE, "data", "glossary.json"), encoding="utf-8") as f:
        return json.load(f)


def prompts(rnd, count, english=0.6):
    """[(text, label)]: as many of each label, `english` of them English."""
    out, labels = [], sorted(terms())
    for i in range(count):
        label = labels[i % len(labels)]
        of = terms()[label]
        lang = "en" if rnd.random() < english else rnd.choice([x for x in of if x != "en"])
        a, b = rnd.sample(of[lang], 2)
        out.append((rnd.choice(FRAMES[lang]).replace("{2}", b).replace("{}", a), label))
    return out
