"""The Slack app that the bridge needs, to paste at https://api.slack.com/apps > Create New App > From a manifest.

Source: https://docs.slack.dev/reference/app-manifest
"""

MANIFEST = """\
display_information:
  name: threadbridge
  description: Talks to an AI agent, one session for each thread
features:
  app_home:
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: threadbridge
    always_online: true
  slash_commands:
    - command: /threadbridge
      description: What can be said to the bridge itself
      usage_hint: help | status | stop | retry | new | link ABC-123 | unlink
      should_escape: false
oauth_config:
  scopes:
    bot:
      - app_mentions:read
      - channels:history
      - channels:read
      - groups:history
      - groups:read
      - im:history
      - im:read
      - mpim:history
      - mpim:read
      - chat:write
      - commands
      - files:read
      - reactions:write
      - files:write
      - usergroups:read
      - users:read
settings:
  event_subscriptions:
    bot_events:
      - app_mention
      - message.channels
      - message.groups
      - message.im
      - message.mpim
  interactivity:
    is_enabled: true
  org_deploy_enabled: false
  socket_mode_enabled: true
  token_rotation_enabled: false
"""
