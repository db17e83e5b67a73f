"""A Bolt app in front of requests that claim to be Slack's. Reads JSON lines {"headers": {...}, "body": "..."} and says
for each the status with which the app answers; the signing secret is the first argument.
"""
import json
import logging
import sys

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

logging.disable(logging.CRITICAL)
team = AuthorizeResult(enterprise_id=None, team_id="T0ACME", bot_id="B1", bot_user_id="U1", bot_token="xoxb-1")
app = App(signing_secret=sys.argv[1], authorize=lambda: team)


@app.command("/lf")
def taken(ack):
    ack()


for line in sys.stdin:
    one = json.loads(line)
    headers = {name: [value] for name, value in one["headers"].items()}
    print(app.dispatch(BoltRequest(body=one["body"], headers=headers)).status)
