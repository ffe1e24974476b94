"""What of an environment is a secret, by examples from real sites."""

from __future__ import annotations

import pytest

from genstudy.campaign.environment import scrubbed

SECRETS = {
    "GITHUB_TOKEN": "x1y2z3",
    "HF_TOKEN": "abcdef",
    "HUGGING_FACE_HUB_TOKEN": "abcdef",
    "JUPYTERHUB_API_TOKEN": "abcdef",
    "JPY_API_TOKEN": "abcdef",
    "CI_JOB_TOKEN": "abcdef",
    "MYTOKEN": "abcdef",
    "token": "abcdef",
    "TOKEN2": "abcdef",
    "VAULT_TOKEN": "abcdef",
    "SLURM_JWT": "abcdef",
    "AWS_SECRET_ACCESS_KEY": "/abcdef+gh",
    "AWS_ACCESS_KEY_ID": "abcdef",
    "AWS_SESSION_TOKEN": "abcdef",
    "AZURE_STORAGE_KEY": "abcdef",
    "AZURE_CLIENT_SECRET": "abcdef",
    "GRB_WLSSECRET": "abcdef",
    "OPENAI_API_KEY": "abcdef",
    "WANDB_API_KEY": "abcdef",
    "apikey": "abcdef",
    "CDSAPI_KEY_APIKEY": "abcdef",
    "RSA_PRIVATE_KEY": "abcdef",
    "DEPLOY_KEY": "abcdef",
    "SESSION_KEY": "abcdef",
    "SSH_KEY": "abcdef",
    "PGPASSWORD": "abcdef",
    "SINGULARITY_DOCKER_PASSWORD": "abcdef",
    "SSHPASS": "abcdef",
    "DB_PASS": "abcdef",
    "MYSQL_PWD": "abcdef",
    "DbPasswd": "abcdef",
    "GPG_PASSPHRASE": "abcdef",
    "LDAP_PW": "abcdef",
    "GIT_CREDENTIALS": "abcdef",
    "NPM_CONFIG__AUTH": "abcdef",
    "DOCKER_AUTH_CONFIG": '{"auths": {}}',
    "CI_OAUTH": "abcdef",
    "GITHUB_PAT": "abcdef",
    "RUNNER_COOKIE": "abcdef",
    "BW_SESSION": "abcdef",
    "OP_SESSION_my": "abcdef",
    # by their values; written in two parts, so that nobody takes them for real ones
    "PIP_INDEX_URL": "https://me:hunter2@pypi.example.org/simple",
    "https_proxy": "http://user:pass%20word@proxy.site.gov:3128",
    "DATABASE_URL": "postgresql+psycopg://me:p:w@db/x",
    "REDIS_URL": "redis://:hunter2@cache:6379/0",
    "KEYFILE_TEXT": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
    "PEM": "x\n-----BEGIN PRIVATE KEY-----\nabc",
    "CURL_HEADER": "Authorization: Bearer abcdef0123456789",
    "ODBC": "Driver=x;Password=abc",
    "SOMETHING": "AKIAABCDEFGHIJKLMNOP",
    "REMOTE": "https://ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com/me/x",
    "LAB": "glpat-abcdefghij0123456789",
    "CHAT": "xoxb-123456789012-abcdef",
    "MAPS": "AIza" + "x" * 35,
    "MODEL": "hf_abcdefghijklmnopqrstuvwxyzabcdefgh",
    "LLM": "sk-abcdefghijklmnopqrstuvwxyz",
    "JSON_WEB": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
}

HARMLESS = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/me",
    "PWD": "/home/me/my:secret@work",
    "OLDPWD": "/home/me",
    "SGE_O_PWD": "/home/me",
    "USER": "me",
    "LS_COLORS": "rs=0:di=01;34:ln=01;36:*.pem=00;31",
    "KRB5CCNAME": "FILE:/tmp/krb5cc_1000",
    "KRB5_CONFIG": "/etc/krb5.conf",
    "SSH_AUTH_SOCK": "/tmp/ssh-abc/agent.1",
    "SSH_AGENT_PID": "1",
    "SSH_CONNECTION": "10.0.0.1 22 10.0.0.2 22",
    "SSH_ASKPASS": "/usr/libexec/openssh/gnome-ssh-askpass",
    "SSH_CLIENT": "10.0.0.1 22",
    "GIT_ASKPASS": "/usr/bin/x",
    "GIT_AUTHOR_NAME": "A U Thor",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "XAUTHORITY": "/home/me/.Xauthority",
    "XAUTHLOCALHOSTNAME": "here",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
    "XDG_SESSION_ID": "3",
    "XDG_SESSION_TYPE": "tty",
    "DESKTOP_SESSION": "gnome",
    "SESSION_MANAGER": "local/host:@/tmp/.ICE-unix/1",
    "TERM_SESSION_ID": "w0t0p0",
    "GPG_AGENT_INFO": "/run/user/1000/gnupg/S.gpg-agent:0:1",
    "SLURM_JOB_ID": "17",
    "SLURM_CONF": "/etc/slurm/slurm.conf",
    "SLURM_SUBMIT_DIR": "/home/me",
    "SLURM_NODELIST": "n[1-4]",
    "SLURM_TASKS_PER_NODE": "8(x4)",
    "MODULEPATH": "/opt/modules",
    "MODULESHOME": "/opt/lmod",
    "LMOD_CMD": "/opt/lmod/libexec/lmod",
    "_LMFILES_": "/opt/modules/gcc/12.lua",
    "__LMOD_REF_COUNT_PATH": "/usr/bin:1",
    "BASH_FUNC_module%%": '() {  eval $($LMOD_CMD bash "$@")\n}',
    "BASH_FUNC_ask%%": '() {  password=$1; curl -H "Authorization: Bearer $TOKEN"\n}',
    "OMP_NUM_THREADS": "4",
    "OMPI_MCA_orte_hnp_uri": "123.0;tcp://10.0.0.1:1234",
    "PMIX_SERVER_URI3": "1234.0;tcp4://127.0.0.1:53521",
    "FLUX_URI": "local:///run/flux/local",
    "LM_LICENSE_FILE": "27000@licence.site.gov:27001@other",
    "MLM_LICENSE_FILE": "/opt/matlab/licenses/network.lic",
    "TOKENIZERS_PARALLELISM": "false",
    "MAX_TOKENS": "4096",
    "USE_AUTH": "0",
    "ENABLE_TOKEN": "true",
    "BEARER_TOKEN_FILE": "/run/user/1000/bt_u1000",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/me/.aws/credentials",
    "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json",
    "RESTIC_PASSWORD_COMMAND": "pass show restic",
    "PASSWORD_STORE_DIR": "/home/me/.pass",
    "X509_USER_PROXY": "/tmp/x509up_u1000",
    "http_proxy": "http://proxy.site.gov:3128",
    "REPO": "https://me@git.example.org/x",
    "NO_PROXY": "localhost,.site.gov",
    "COMPASS_HOME": "/opt/compass",
    "BYPASS": "everything",
    "NPASSES": "3",
    "COOKIECUTTER_CONFIG": "/home/me/.cookiecutterrc",
    "KEYBOARD": "de",
    "MONKEY": "business",
    "SORT_KEYS": "alpha",
    "AUTHOR": "me",
    "PATH_TO_TASK": "disk-abcdefghijklmnopqrstuvwxyz",
    "PS1": r"\u@\h:\w\$ ",
    "CERT": "-----BEGIN CERTIFICATE-----\nabc",
    "EMPTY_TOKEN": "",
    "GENSTUDY_STUDY": "/x",
}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets(name: str) -> None:
    assert scrubbed({name: SECRETS[name]}) == ({}, [name])


@pytest.mark.parametrize("name", HARMLESS)
def test_what_steps_need(name: str) -> None:
    assert scrubbed({name: HARMLESS[name]}) == ({name: HARMLESS[name]}, [])


def test_what_is_passed_stays() -> None:
    environ = {
        "B_TOKEN": "x",
        "A_TOKEN": "y",
        "AWS_SECRET": "z",
        "AWS_TOKEN": "t",
        "HOME": "/h",
        "C_TOKEN": "v",
    }
    clean, withheld = scrubbed(environ, ["B_TOKEN", "AWS_*", "C_"])
    assert withheld == ["A_TOKEN", "C_TOKEN"]
    assert clean == {"B_TOKEN": "x", "AWS_SECRET": "z", "AWS_TOKEN": "t", "HOME": "/h"}
    assert scrubbed(environ, ["*"]) == (environ, [])
