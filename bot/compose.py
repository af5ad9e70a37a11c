"""The composition root: the one place where concrete things meet."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import console.api
import console.app
import console.page
from bot import content
from bot.clock import new_id, now
from bot.decide import Decider
from bot.deliver import Delivery
from bot.doors import CONSOLE_CSP, HOOKS_LIMIT, PUBLIC_CSP, door
from bot.listen import Listener
from bot.model_server import ModelServer, command
from bot.settings import Keys, Settings
from bot.threads import Threads
from bot.tools import Tools
from bot.watch import Watch
from channels import web, webhooks
from channels.pace import Pace
from channels.page import render
from channels.port import Sender
from channels.webhooks import Hook
from console.gate import Gate
from console.sign_in import FrontDesk
from handoff.bell import Bell, LocalBell
from handoff.desk import Desk
from handoff.desk import Tools as DeskTools
from handoff.ledger import Ledger
from handoff.redis_bell import RedisBell
from handoff.store.engine import open_engine
from handoff.store.ports import Store
from handoff.store.sql import SqlStore
from nlu import rulebook
from nlu.ensemble import Ensemble
from nlu.rasa import RasaReader

NO_HOOKS: Mapping[str, Hook] = MappingProxyType({})
GUIDANCE = Path(__file__).parent / "guidance"


@dataclass(frozen=True, slots=True)
class House:
    """A running house. Everything in it is closed when the block of ``open_house`` ends."""

    settings: Settings
    tools: Tools
    keys: Keys = field(repr=False)
    listener: Listener
    threads: Threads
    watch: Watch
    decider: Decider
    model: RasaReader | None

    async def model_state(self) -> str:
        """``up``, ``away``, or ``off`` where the rules decide alone by choice."""
        return "off" if self.model is None else await self.model.state()

    def delivery(self, senders: Mapping[str, Sender]) -> Delivery:
        """Delivery to these channels."""
        return Delivery(self.tools, senders)


@asynccontextmanager
async def open_house(settings: Settings, store: Store | None = None) -> AsyncIterator[House]:
    """Put the house together. Raises what is wrong with settings, words or rules before anything runs."""
    keys = Keys(settings)
    words = content.load(GUIDANCE)
    lexicon = rulebook.load()
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(_model(settings))
        bell = await _bell(settings, stack)
        if store is None:
            sql = SqlStore(open_engine(settings.database_url))
            stack.push_async_callback(sql.close)
            store = sql
        tools = Tools(
            store=store,
            bell=bell,
            ring=keys.ring,
            index=keys.index,
            ledger=Ledger(keys.audit),
            ensemble=Ensemble(lexicon, model),
            content=words,
            now=now,
            new_id=new_id,
        )
        decider = Decider(tools)
        listener = Listener(tools, decider)
        yield House(
            settings=settings,
            tools=tools,
            keys=keys,
            listener=listener,
            threads=Threads(tools, listener),
            watch=Watch(tools, decider),
            decider=decider,
            model=model,
        )


@asynccontextmanager
async def _model(settings: Settings) -> AsyncIterator[RasaReader | None]:
    """A client of the model server; the server itself too, unless one runs elsewhere."""
    if settings.nlu == "rules":
        yield None
        return
    async with AsyncExitStack() as stack:
        url = settings.nlu_url
        if url is None:
            server = command(settings.nlu_workers)
            await stack.enter_async_context(ModelServer(server))
            url = server.url
        yield await stack.enter_async_context(RasaReader(url, deadline=settings.nlu_deadline))


async def _bell(settings: Settings, stack: AsyncExitStack) -> Bell:
    if settings.redis_url is None:
        local = LocalBell()
        stack.push_async_callback(local.close)
        return local
    over_redis = RedisBell(settings.redis_url)
    await over_redis.start()
    stack.push_async_callback(over_redis.close)
    return over_redis


def public_app(house: House, hooks: Mapping[str, Hook] = NO_HOOKS) -> FastAPI:
    """The visitors' application, and where providers bring what visitors wrote elsewhere."""
    settings, words = house.settings, house.tools.content
    ko, en = words.page("ko"), words.page("en")
    pages = render.Page({key: {"ko": ko[key], "en": en[key]} for key in ko}, settings.exit_url)
    app = door("Gyeot", PUBLIC_CSP, settings.secure_cookies)
    app.include_router(
        web.router(
            web.Web(
                reception=house.threads,
                recovery=house.threads,
                pages=pages,
                paces=_paces(settings.messages_per_minute),
                secure=settings.secure_cookies,
            )
        )
    )
    app.include_router(webhooks.router(hooks, settings.public_url), max_body_size=HOOKS_LIMIT)
    app.mount("/static", StaticFiles(directory=render.STATIC))
    return app


def _paces(per_minute: int) -> web.Paces:
    """A school shares one address: it may begin three times as often as one visitor may write."""
    return web.Paces(
        messages=Pace(per_minute, max(1, per_minute // 2), time.monotonic),
        beginnings=Pace(3 * per_minute, max(1, 3 * per_minute // 2), time.monotonic),
        codes=Pace(2, 10, time.monotonic),
        salt=os.urandom(32),
    )


def console_app(house: House) -> FastAPI:
    """The staff's application."""
    settings, tools = house.settings, house.tools
    front_desk = FrontDesk(tools.store, tools.index, tools.ledger, tools.now)
    gate = Gate(front_desk, settings.secure_cookies)
    desk = Desk(
        DeskTools(
            store=tools.store,
            bell=tools.bell,
            ring=tools.ring,
            index=tools.index,
            ledger=tools.ledger,
            now=tools.now,
            new_id=tools.new_id,
        )
    )
    unreviewed = len(tools.content.unreviewed())
    office = console.api.Office(
        tools.store, tools.bell, desk, gate, house.model_state, tools.now, unreviewed=unreviewed
    )
    shell = console.page.render(console.page.load_texts(console.page.texts_path()))
    app = door("Gyeot console", CONSOLE_CSP, settings.secure_cookies)
    app.include_router(console.app.router(gate, shell))
    app.include_router(console.api.router(office))
    app.mount("/static", StaticFiles(directory=console.page.static_path()))
    return app
