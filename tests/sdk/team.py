"""openai-python: a supervisor hands ten topics to a researcher and a writer; thirty model calls in all."""

import sys

from openai import OpenAI

CLIENT = OpenAI()


def ask(role, messages):
    """Returns the answer of one of the three."""
    system = [{"role": "system", "content": f"You are the {role}."}]
    answer = CLIENT.chat.completions.create(model="gpt-4o", messages=system + messages)
    return answer.choices[0].message.content


def main():
    plan, text = [{"role": "user", "content": sys.argv[1]}], []
    for _topic in range(10):
        topic = ask("supervisor", plan)
        finding = ask("researcher", [{"role": "user", "content": topic}])
        text.append({"role": "user", "content": finding})
        draft = ask("writer", text)
        text.append({"role": "assistant", "content": draft})
        plan += [{"role": "assistant", "content": topic}, {"role": "user", "content": draft}]
    print(draft)


main()
