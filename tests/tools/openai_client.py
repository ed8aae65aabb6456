"""The official client of PyPI, through a gateway: what people's programs do with it."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="local", max_retries=0)
MESSAGES = [{"role": "user", "content": "Grüezi"}]
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}]


def streamed():
    text, name, arguments, usage = "", "", "", 0
    stream = client.chat.completions.create(
        model="small", messages=MESSAGES, tools=TOOLS, stream=True, stream_options={"include_usage": True}
    )
    for event in stream:
        if event.usage:
            usage = event.usage.total_tokens
        for choice in event.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
    return {"text": text, "call": [name, arguments], "usage": usage}


def cancelled():
    events = 0
    with client.chat.completions.create(model="long", messages=MESSAGES, stream=True) as stream:
        for event in stream:
            events += len(event.choices)
            if events == 3:
                break
    return events


def whole(_):
    answer = client.chat.completions.create(model="whole", messages=MESSAGES)
    return answer.choices[0].message.content == "Grüezi" and answer.usage.total_tokens == 15


def at_once(count):
    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(whole, range(count)))


def refused():
    try:
        client.chat.completions.create(model="unknown", messages=MESSAGES)
    except openai.NotFoundError as error:
        return [True, error.status_code, error.code]


embedding = client.embeddings.create(model="whole", input="x", encoding_format="float")
print(
    json.dumps(
        {
            "models": sorted(model.id for model in client.models.list()),
            "streamed": streamed(),
            "embedding": embedding.data[0].embedding,
            "cancelled": cancelled(),
            "atOnce": at_once(50),
            "refused": refused(),
        }
    )
)
