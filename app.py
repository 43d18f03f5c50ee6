"""The frame: page configuration and navigation, nothing else."""

import streamlit as st

from cxrkd.dashboard.routes import ICON, LOGO, sections

st.set_page_config(page_title="cxrkd", page_icon=str(ICON), layout="wide", initial_sidebar_state="auto")
st.logo(str(LOGO), size="large", icon_image=str(ICON))
st.navigation(sections()).run()
