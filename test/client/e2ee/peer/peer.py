"""A device in Python, over X3DH and DoubleRatchet of PyPI, which know nothing of this repository. What they leave to the
application (parameters, what is signed, what is authenticated, the form of a part) is written here anew.

Each line of stdin is a command in JSON, each line of stdout its answer; bytes are hex. `chance` of an answer are the secrets
that were made meanwhile, in order."""
import asyncio, json, struct, sys
import doubleratchet, x3dh, x3dh.base_state, xeddsa
from doubleratchet.recommended import HashFunction as RatchetHash
from doubleratchet.recommended import aead_aes_hmac, diffie_hellman_ratchet_curve25519, kdf_hkdf, kdf_separate_hmacs
from x3dh.models import BaseStateModel

SUITE = 1
made = []


def varint(value):
    low = [(value >> shift) & 127 for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([byte | 128 for byte in low[:-1]] + low[-1:])


def varint_at(raw, at):
    value, shift = 0, 0
    while True:
        value |= (raw[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if raw[at - 1] < 128:
            return value, at


def numbered(key, first, second):
    return key + varint(first) + varint(second)


def numbered_at(raw, at):
    first, after = varint_at(raw, at + 32)
    second, end = varint_at(raw, after)
    return raw[at:at + 32], first, second, end


def framed(*fields):
    parts = [f.encode() if isinstance(f, str) else struct.pack(">I", f) if isinstance(f, int) else f for f in fields]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


class Secrets:
    """In the place of the module `secrets` of x3dh: what was made is told."""
    @staticmethod
    def token_bytes(length):
        made.append(x3dh_secrets.token_bytes(length))
        return made[-1]

    @staticmethod
    def choice(items):
        return x3dh_secrets.choice(items)


x3dh_secrets = x3dh.base_state.secrets
x3dh.base_state.secrets = Secrets

# What is signed of the signed prekeys that are known, by the public key; the one that is made now is of `own`.
statements = {}
own = None


class State(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format, pub):
        if key_format is x3dh.IdentityKeyFormat.ED_25519:
            return pub
        return statements.get(pub) or statement(own, 1, pub)


def statement(owner, number, pub, suites=bytes([SUITE])):
    return framed("Bluetick/1/prekey", owner["realm"], owner["user"], owner["device"], number, pub, suites)


class Dh(diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet):
    @staticmethod
    def _generate_priv():
        made.append(diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet._generate_priv())
        return made[-1]


class Root(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return RatchetHash.SHA_256

    @staticmethod
    def _get_info():
        return b"Bluetick Root Chain"


class Chain(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function():
        return RatchetHash.SHA_256


class Aead(aead_aes_hmac.AEAD):
    @staticmethod
    def _get_hash_function():
        return RatchetHash.SHA_256

    @staticmethod
    def _get_info():
        return b"Bluetick Message Key Material"


def header_bytes(header):
    return header.ratchet_pub + struct.pack(">II", header.previous_sending_chain_length, header.sending_chain_length)


class Ratchet(doubleratchet.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        return associated_data + header_bytes(header)


CONFIG = dict(
    diffie_hellman_ratchet_class=Dh, root_chain_kdf=Root, message_chain_kdf=Chain, message_chain_constant=b"\x02\x01",
    dos_protection_threshold=1000, max_num_skipped_message_keys=2000, aead=Aead,
)
PARAMETERS = (x3dh.IdentityKeyFormat.ED_25519, x3dh.HashFunction.SHA_256, b"Bluetick X3DH v1")
hexed = bytes.hex
B = bytes.fromhex


class Device:
    def __init__(self, owner, once):
        global own
        own = self.owner = owner
        self.state = State.create(*PARAMETERS)
        if once:
            self.state.generate_pre_keys(1)
        self.ratchet = None
        self.secret = None
        self.prekey = None

    def bundle(self):
        made = self.state.bundle
        return {
            "owner": self.owner, "identity": hexed(made.identity_key),
            "signed": {"number": 1, "key": hexed(made.signed_pre_key), "suites": "01", "signature": hexed(made.signed_pre_key_sig)},
            "once": [{"number": 1, "key": hexed(key)} for key in made.pre_keys],
            "secrets": {
                "identity": hexed(self.state.model.identity_key.secret), "signed": hexed(self.state.model.signed_pre_key.priv),
                "once": [hexed(key) for key in self.state.model.pre_keys],
            },
        }

    async def begin(self, bundle):
        signed = bundle["signed"]
        statements[B(signed["key"])] = statement(bundle["owner"], signed["number"], B(signed["key"]), B(signed["suites"]))
        once = bundle["once"]
        theirs = x3dh.Bundle(
            identity_key=B(bundle["identity"]), signed_pre_key=B(signed["key"]), signed_pre_key_sig=B(signed["signature"]),
            pre_keys=frozenset(B(key["key"]) for key in once),
        )
        self.secret, _, header = await self.state.get_shared_secret_active(theirs, require_pre_key=bool(once))
        self.prekey = B(signed["key"])
        self.opening = header.ephemeral_key, signed["number"], once[0]["number"] if once else 0
        self.parties = [self.party(), [bundle["owner"]["user"], bundle["owner"]["device"], theirs.identity_key]]
        self.answered = False

    async def answer(self, peer, identity, ephemeral, signed, once):
        mine = self.state.bundle
        header = x3dh.Header(
            identity_key=identity, ephemeral_key=ephemeral, signed_pre_key=mine.signed_pre_key,
            pre_key=next(iter(mine.pre_keys)) if once else None,
        )
        self.secret, _, self.prekey = await self.state.get_shared_secret_passive(header, require_pre_key=bool(once))
        self.opening = ephemeral, signed, once
        self.parties = [[peer["user"], peer["device"], identity], self.party()]
        self.answered = True

    def party(self):
        return [self.owner["user"], self.owner["device"], self.state.bundle.identity_key]

    def associated(self, about, kind):
        return framed(
            "Bluetick/1/message", self.owner["realm"], SUITE, *self.parties[0], *self.parties[1], *self.opening,
            about["chat"], about["id"], kind,
        )

    async def write(self, text, about):
        kind = 2 if self.answered else 1
        ad = self.associated(about, kind)
        if self.ratchet:
            message = await self.ratchet.encrypt_message(text.encode(), ad)
        else:
            self.ratchet, message = await Ratchet.encrypt_initial_message(
                **CONFIG, shared_secret=self.secret, recipient_ratchet_pub=self.prekey, message=text.encode(), associated_data=ad)
        start = b"" if kind == 2 else numbered(*self.opening)
        header = message.header
        written = numbered(header.ratchet_pub, header.previous_sending_chain_length, header.sending_chain_length)
        return {"type": kind, "bytes": hexed(bytes([SUITE]) + start + written + message.ciphertext)}

    async def read(self, part, about, peer):
        raw = B(part["bytes"])
        assert raw[0] == SUITE
        at = 1
        if part["type"] == 1:
            ephemeral, signed, once, at = numbered_at(raw, at)
            if self.secret is None:
                await self.answer(peer, B(peer["identity"]), ephemeral, signed, once)
            assert self.opening == (ephemeral, signed, once)
        key, before, n, at = numbered_at(raw, at)
        message = doubleratchet.EncryptedMessage(doubleratchet.Header(key, before, n), raw[at:])
        ad = self.associated(about, part["type"])
        if self.ratchet:
            text = await self.ratchet.decrypt_message(message, ad)
        else:
            self.ratchet, text = await Ratchet.decrypt_initial_message(
                **CONFIG, shared_secret=self.secret, own_ratchet_priv=self.prekey.priv, message=message, associated_data=ad)
        self.answered = True
        return text.decode()


async def main():
    devices = {}
    for line in sys.stdin:
        asked = json.loads(line)
        made.clear()
        name = asked["device"]
        if asked["do"] == "new":
            devices[name] = Device(asked["owner"], asked["once"])
            answer = devices[name].bundle()
        elif asked["do"] == "begin":
            answer = await devices[name].begin(asked["bundle"])
        elif asked["do"] == "write":
            answer = await devices[name].write(asked["text"], asked["about"])
        else:
            try:
                answer = await devices[name].read(asked["part"], asked["about"], asked["peer"])
            except (doubleratchet.AuthenticationFailedException, doubleratchet.DuplicateMessageException) as error:
                answer = {"refused": type(error).__name__}
        print(json.dumps({"answer": answer, "chance": [hexed(secret) for secret in made]}), flush=True)


asyncio.run(main())
