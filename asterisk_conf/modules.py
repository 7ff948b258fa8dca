"""The modules of Asterisk that the helpline needs, each tried.

A missing one makes calls hang without a word in the log, so what runs is compared with this list after each start.
"""

from __future__ import annotations

import re

SORCERY = ("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb")
SIP = (
    "res_pjproject",
    "res_statsd",
    "res_geolocation",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_sdp_rtp",
    "res_pjsip_nat",
    "res_pjsip_caller_id",
    "res_pjsip_diversion",
    "res_pjsip_dtmf_info",
    "res_pjsip_rfc3326",
    "res_pjsip_refer",
    "res_pjsip_registrar",
    "res_pjsip_header_funcs",
    "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "chan_pjsip",
)
MEDIA = (
    "res_rtp_asterisk",
    "res_timing_timerfd",
    "res_musiconhold",
    "bridge_simple",
    "bridge_native_rtp",
    "bridge_softmix",
    "bridge_holding",
    "bridge_builtin_features",
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "codec_g722",
    "codec_resample",
    "format_pcm",
    "format_sln",
    "format_wav",
)
FUNCTIONS = (
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_devstate",
    "func_groupcount",
    "func_hangupcause",
    "func_logic",
    "func_periodic_hook",
    "func_strings",
    "func_timeout",
    "func_uri",
    "func_volume",
)
APPLICATIONS = (
    "app_amd",
    "app_chanspy",
    "app_dial",
    "app_echo",
    "app_mixmonitor",
    "app_playback",
    "app_queue",
    "app_record",
    "app_senddtmf",
    "app_softhangup",
    "app_stack",
    "app_userevent",
)
REST = ("pbx_config", "res_agi", "res_manager_devicestate", "res_speech")

MODULES: tuple[str, ...] = (*SORCERY, *SIP, *MEDIA, *FUNCTIONS, *APPLICATIONS, *REST)


def not_running(module_show: str, wanted: tuple[str, ...] = MODULES) -> list[str]:
    """Those of the wanted modules that `module show` does not tell to be running ("Not Running" is another state)."""
    running = set(re.findall(r"(?m)^(\S+)\.so .*(?<!Not )Running\b", module_show))
    return [module for module in wanted if module not in running]
