"""Every setting, from the environment only.  docs/settings.md explains each."""

from pathlib import Path

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from escalation import logs, schedule
from escalation.environment import flag, number, text, words

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# -- What the installation is ------------------------------------------------
POSTERN_DEMO = flag("POSTERN_DEMO", False, "Demo mode: made-up registry, mailbox page, log-ins.")
POSTERN_ROLE = text("POSTERN_ROLE", "manage", "Set by the commands: web, worker or manage.")
POSTERN_VAR = Path(
    text("POSTERN_VAR", "var", "Folder for the embedded database, feeds and static files.")
)
if not POSTERN_VAR.is_absolute():
    POSTERN_VAR = BASE_DIR / POSTERN_VAR
POSTERN_NAME = text("POSTERN_NAME", "Postern", "Name of the desk, shown on every page and letter.")
POSTERN_OPERATOR = text(
    "POSTERN_OPERATOR", "Example Mail", "Name of the mail service that runs this desk."
)
POSTERN_URL = text(
    "POSTERN_URL", "http://127.0.0.1:8000", "Address under which people reach the desk."
).rstrip("/")
POSTERN_BIND = text(
    "POSTERN_BIND",
    "",
    "Where `make run` listens (address:port). Empty: this machine, from 8000 on.",
)
POSTERN_POSTMASTER = text(
    "POSTERN_POSTMASTER", "postmaster@mail.example", "Sender of every letter; gets our alerts."
)

SECRET_KEY = text("SECRET_KEY", "", "At least 50 random characters. Needed outside demo mode.")
if not SECRET_KEY:
    if not POSTERN_DEMO:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Postern does not start without it: set SECRET_KEY to at least "
            "50 random characters, or POSTERN_DEMO=yes to try Postern on made-up data."
        )
    SECRET_KEY = "demo-only-" + "not-a-secret-" * 4
DEBUG = False
ALLOWED_HOSTS = words(
    "ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]", "Host names to which the web server answers."
)
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", "", "Further origins of forms, with scheme.")

# -- Applications -------------------------------------------------------------
INSTALLED_APPS = [
    "tickets",
    "abuse",
    "guide",
    "delisting",
    "listings",
    "ownership",
    "traffic",
    "mailroom",
    "customers",
    "escalation.apps.EscalationConfig",
    "escalation.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    # First those whose headers belong to every answer, files and errors too.
    "escalation.middleware.headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "escalation.middleware.bounded",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "escalation.urls"
WSGI_APPLICATION = "escalation.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "escalation.middleware.operator",
            ],
            "builtins": ["escalation.templatetags.postern"],
        },
    }
]

# -- Databases ----------------------------------------------------------------
_env = environ.Env()
DATABASE_URL = text(
    "DATABASE_URL",
    "",
    "PostgreSQL in production, e.g. postgres://user:password@host/postern. Empty: SQLite.",
)
_db = _env.db_url_config(DATABASE_URL or f"sqlite:///{POSTERN_VAR / 'postern.sqlite3'}")
POSTERN_DB_POOL = flag("POSTERN_DB_POOL", False, "Pool connections in the web server (PostgreSQL).")
_options = _db.setdefault("OPTIONS", {})
_db |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
if _db["ENGINE"].endswith("sqlite3"):
    _options |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=27000000;",
    }
elif POSTERN_ROLE == "web" and POSTERN_DB_POOL:
    _options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
    _db["CONN_MAX_AGE"] = 0  # Django refuses a pool with persistent connections
DATABASES = {"default": _db}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {  # shared between processes; two tables, so that culling one spares the other
    alias: {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": table,
        "OPTIONS": {"MAX_ENTRIES": most},
    }
    for alias, table, most in (("default", "cache", 100_000), ("jobs", "cache_jobs", 10_000))
}

# -- Background work: escalation/schedule.py ------------------------------------------
SWEEP_MINUTES = 1
JOBS_WORKERS = number("POSTERN_WORKERS", 2, "Worker processes of runjobs.", least=1)
SWEEPS, HOUSEKEEPING, HEALTH_CHECKS = schedule.SWEEPS, schedule.HOUSEKEEPING, schedule.HEALTH_CHECKS
Q_CLUSTER = schedule.cluster(JOBS_WORKERS)

# -- People ---------------------------------------------------------------------
AUTH_USER_MODEL = "customers.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by invitation, sent to the address
ACCOUNT_ADAPTER = "customers.adapter.Adapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody makes us write to a stranger
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a letter tells of every change to an account
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key"}  # no mailbox is flooded by resets
ACCOUNT_SESSION_REMEMBER = True  # as long as SESSION_COOKIE_AGE says, for everybody
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "customers.passwords.ResetTokens"  # noqa: S105 -- a path
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # the invitation has verified it
MFA_TOTP_ISSUER = f"{POSTERN_NAME}, {POSTERN_OPERATOR}"
MFA_TOTP_TOLERANCE = 1  # one step of 30 s either way, for clocks that differ
POSTERN_AGENT_MFA = flag(
    "POSTERN_AGENT_MFA", not POSTERN_DEMO, "Agents reach the desk only with a second factor."
)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/tickets/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600

# -- Web security ------------------------------------------------------------------
POSTERN_HTTPS = POSTERN_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = POSTERN_HTTPS
if POSTERN_HTTPS:
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
if flag("POSTERN_BEHIND_PROXY", False, "Trust X-Forwarded-Proto and -For of our proxy."):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # rate limits go by the address that the proxy saw
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **{key: [NONE] for key in ("default-src", "object-src", "base-uri", "frame-ancestors")},
        **{key: [SELF] for key in ("script-src", "style-src", "img-src", "connect-src")},
        "form-action": [SELF],
    }
}

# -- Uploads and static files ---------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = POSTERN_VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
POSTERN_UPLOAD_MIB = number("POSTERN_UPLOAD_MIB", 5, "Most MiB of one uploaded file.", least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = (POSTERN_UPLOAD_MIB + 1) * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
POSTERN_REPORT_MIB = number(
    "POSTERN_REPORT_MIB", 25, "Most MiB of all files of one report on the web.", least=1
)
DATA_UPLOAD_MAX_NUMBER_FILES = 20
BODY_MAX = (max(5 * POSTERN_UPLOAD_MIB, POSTERN_REPORT_MIB) + 1) * 1024 * 1024  # bytes

# -- Languages and time ---------------------------------------------------------------
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LANGUAGE_CODE = text("POSTERN_LANGUAGE", "en", "Language where nobody has chosen one: en or ko.")
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "escalation.formats"
TIME_ZONE = text("POSTERN_TIME_ZONE", "UTC", "Time zone in which pages and letters show times.")
USE_I18N = USE_TZ = True

_plan = "When agents work; clocks that count office hours stand still outside."
POSTERN_OFFICE_HOURS = text("POSTERN_OFFICE_HOURS", "mon-fri 09:00-18:00", _plan)
POSTERN_HOLIDAYS = words("POSTERN_HOLIDAYS", "", "Dates (2026-12-25) without office hours.")

# -- Mail out ----------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = POSTERN_POSTMASTER
SERVER_EMAIL = POSTERN_POSTMASTER
EMAIL_BACKEND = text(
    "EMAIL_BACKEND",
    "mailroom.mailbox.Backend" if POSTERN_DEMO else "mailroom.smtp.Backend",
    "Django mail backend; in demo mode letters go to a folder and a page shows them.",
)
EMAIL_HOST = text("EMAIL_HOST", "localhost", "SMTP server that takes our letters.")
EMAIL_PORT = number("EMAIL_PORT", 25, "Its port.")
EMAIL_HOST_USER = text("EMAIL_HOST_USER", "", "User name for it, empty for none.")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD", "", "Password for it.")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", False, "STARTTLS to the SMTP server.")
EMAIL_USE_SSL = flag("EMAIL_USE_SSL", False, "TLS from the first byte to the SMTP server.")
EMAIL_TIMEOUT = number("EMAIL_TIMEOUT", 20, "Seconds to wait for the SMTP server.", least=1)
POSTERN_KEEP_DAYS = number(
    "POSTERN_KEEP_DAYS", 180, "Days after which texts of letters and answers are deleted.", least=1
)
POSTERN_LETTER_DOMAIN = text(
    "POSTERN_LETTER_DOMAIN",
    POSTERN_POSTMASTER.rpartition("@")[2],
    "Domain of our Message-IDs and of the envelope sender that bounces come back to.",
)
POSTERN_OWN_DOMAINS = words(
    "POSTERN_OWN_DOMAINS", POSTERN_LETTER_DOMAIN, "Our own mail domains: never asked as an owner."
)

# -- Mail in ------------------------------------------------------------------------------
POSTERN_RECEIVE = text(
    "POSTERN_RECEIVE",
    "",
    "Where runjobs takes mail by LMTP (address:port, or unix:PATH). Empty: nowhere.",
)
POSTERN_MAILDIR = text("POSTERN_MAILDIR", "", "Maildir folder to take mail from; empty: none.")

# -- Abuse ---------------------------------------------------------------------------------
POSTERN_RESTRICT_HOOK = text(
    "POSTERN_RESTRICT_HOOK",
    "",
    "What restricts a tenant and lets it go again: a program's path, or an https:// address.",
)
POSTERN_RESTRICT_KEY = text(
    "POSTERN_RESTRICT_KEY", "", "Signs what is posted to such an address (HMAC-SHA256)."
)
POSTERN_STATEMENT_DAYS = number(
    "POSTERN_STATEMENT_DAYS", 3, "Days that a tenant has for a statement on junk.", least=1
)

# -- Listings ------------------------------------------------------------------------------
POSTERN_PROTECTED = words(
    "POSTERN_PROTECTED", "", "Prefixes that are our own or must never be listed; or at the desk."
)
POSTERN_PROTECT_RECEIVERS = flag("POSTERN_PROTECT_RECEIVERS", True, "Protect big receivers too.")
POSTERN_FEED_DIR = Path(
    text("POSTERN_FEED_DIR", str(POSTERN_VAR / "feeds"), "Folder of the feeds.")
)
POSTERN_PUSH_DIR = text(
    "POSTERN_PUSH_DIR", "", "Folder of the hooks that sinks may run after a publication."
)
POSTERN_SHRINK_PERCENT = number(
    "POSTERN_SHRINK_PERCENT", 33, "A feed that shrinks by this much or more is held."
)
POSTERN_WATCH_DAYS = number("POSTERN_WATCH_DAYS", 14, "Days that a delisted address is watched.")
POSTERN_LOG_MARKS = words(
    "POSTERN_LOG_MARKS", "", "What else than our address marks a logged refusal as ours: a zone."
)
POSTERN_TRAFFIC_DAYS = number(
    "POSTERN_TRAFFIC_DAYS", 30, "Days after which counts out of mail logs are deleted.", least=1
)
POSTERN_BLAST_DAYS = number(
    "POSTERN_BLAST_DAYS", 7, "Days of accepted mail that a new listing is held against.", least=1
)
POSTERN_DELIST_HOURS = number(
    "POSTERN_DELIST_HOURS", 2, "Hours within which every sink must prove a removal.", least=1
)
POSTERN_DELIST_LINK_HOURS = number(
    "POSTERN_DELIST_LINK_HOURS", 48, "Hours that the link in a confirmation letter works.", least=1
)
POSTERN_REFERRAL_DAYS = number("POSTERN_REFERRAL_DAYS", 14, "Days a referral works.", least=1)
POSTERN_GUIDE_DIR = text("POSTERN_GUIDE_DIR", "", "Guide pages of your own: en/NN-name.md, ko/…")
POSTERN_TENANT_TICKETS = number(
    "POSTERN_TENANT_TICKETS", 100, "Tickets that one tenant may open within a day.", least=1
)
POSTERN_APPEAL_DAYS = number("POSTERN_APPEAL_DAYS", 14, "Days in which a refusal can be appealed.")
POSTERN_PARTY_DAYS = number(
    "POSTERN_PARTY_DAYS", 5, "Days that a question to customer or sender stays open.", least=1
)

# -- Owners and registries -------------------------------------------------------------------
POSTERN_RDAP_BASE = text(
    "POSTERN_RDAP_BASE", "", "One RDAP server to ask for everything. Empty: as IANA says."
)
POSTERN_RDAP_EXTRA_HOSTS = words(
    "POSTERN_RDAP_EXTRA_HOSTS", "", "RDAP hosts to allow besides those that IANA names."
)
POSTERN_DNS = words(
    "POSTERN_DNS", "", "Resolvers: addresses, or address:port. Empty: the system's."
)
_plan = "Days until an owner is reminded, the second contact and the parent are asked, and the end."
POSTERN_OWNER_DAYS = [int(day) for day in words("POSTERN_OWNER_DAYS", "3 5 9 14", _plan)]

# -- API ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "customers.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "user": text("POSTERN_API_RATE", "600/hour", "API requests of one user or key."),
    },
    "EXCEPTION_HANDLER": "escalation.problems.as_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Postern",
    "DESCRIPTION": "Tickets on behalf of external senders whose mail is refused.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# -- Logging ---------------------------------------------------------------------------------------
LOGGING = logs.to_stderr(text("POSTERN_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."))

POSTERN_VAR.mkdir(parents=True, exist_ok=True)
