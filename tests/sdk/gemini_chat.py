"""google-genai: a loop of function calls, each answer in one, with token counts in between."""

import sys

from google import genai
from google.genai import errors, types

LOOKUP = types.FunctionDeclaration(
    name="lookup",
    description="Looks a city up",
    parameters=types.Schema(
        type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
    ),
)


def main():
    client = genai.Client()
    config = types.GenerateContentConfig(
        system_instruction="You are a guide.",
        temperature=0,
        tools=[types.Tool(function_declarations=[LOOKUP])],
    )
    model = "gemini-2.5-flash"
    contents = [types.Content(role="user", parts=[types.Part(text=sys.argv[1])])]
    while True:
        try:
            counted = client.models.count_tokens(model=model, contents=contents)
            assert counted.total_tokens > 0
        except errors.ClientError as error:
            # In a replay of another client's session, which counted nothing.
            assert error.code == 404
        answer = client.models.generate_content(model=model, contents=contents, config=config)
        assert answer.usage_metadata.total_token_count > 0
        if not answer.function_calls:
            print(answer.candidates[0].finish_reason.name, answer.text)
            return
        contents.append(answer.candidates[0].content)
        # Without the ids of the calls, as the documentation has it.
        results = [
            types.Part.from_function_response(
                name=call.name, response={"result": "facts of " + call.args["city"]}
            )
            for call in answer.function_calls
        ]
        contents.append(types.Content(role="user", parts=results))


main()
