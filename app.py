"""The frame: page configuration and navigation; and, as a server imports it, the app behind its door."""

import streamlit as st

if __name__ == "__main__":
    from cxrkd.dashboard.caching.ahead import warm
    from cxrkd.dashboard.routes import ICON, LOGO, sections

    page = st.navigation(sections())
    title = f"{page.title} · cxrkd"
    st.set_page_config(page_title=title, page_icon=str(ICON), layout="wide", initial_sidebar_state="auto")
    st.logo(str(LOGO), size="large", icon_image=str(ICON))
    page.run()
    warm()
else:
    from cxrkd.dashboard.serving import server
    from cxrkd.places import APP

    app = st.App(APP, middleware=server.middleware(), lifespan=server.lifespan)
